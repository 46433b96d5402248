#!/usr/bin/env -S node --v8-pool-size=1
import { exitCodes, type Io } from './io.ts';
import { run } from './program.ts';

const { stdin, stdout } = process;

const io: Io = {
  ...(stdin.isTTY && stdout.isTTY && { terminal: { input: stdin, output: stdout } }),
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  onStopSignal(callback) {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => callback(signal));
  },
  onHangup: (callback) => void process.on('SIGHUP', callback),
  exit: (code) => process.exit(code),
};

// `sluice sql … | head` closes the pipe early, which is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exitCodes.fine : exitCodes.failed),
);
process.stderr.on('error', () => undefined);
// After an unexpected error the data on disk is safe, but memory can no longer be trusted.
process.on('uncaughtException', (error) => {
  process.stderr.write(`sluice: unexpected error, please report it: ${error?.stack ?? String(error)}\n`);
  process.exit(exitCodes.failed);
});

process.exitCode = await run(process.argv.slice(2), io);
