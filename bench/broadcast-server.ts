import { createServer, type Socket } from 'node:net';
import { answer, notifyLine } from './echo-miner.ts';

/**
 * The ceiling of a broadcast, and of holding connections: a bare node:net server that logs miners in and writes the same
 * bytes to all of them, one write after the other, once a second.
 *
 * Prints `ready PORT` when it listens.
 */
const JOB_EVERY_MS = 1000;
const sockets = new Set<Socket>();
let jobs = 1;

const server = createServer({ noDelay: true }, (socket) => {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
  socket.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString('latin1').split('\n')) {
      if (line !== '') socket.write(`${answer(line).join('\n')}\n`, 'latin1');
    }
  });
});

setInterval(() => {
  jobs += 1;
  const bytes = Buffer.from(`${notifyLine(jobs.toString(16).padStart(10, '0'))}\n`, 'latin1');
  for (const socket of sockets) socket.write(bytes);
}, JOB_EVERY_MS);

server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  const address = server.address();
  process.stdout.write(`ready ${typeof address === 'object' ? address?.port : ''}\n`);
});
process.once('SIGTERM', () => process.exit(0));
