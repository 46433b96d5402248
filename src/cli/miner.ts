import { randomBytes } from 'node:crypto';
import { showValue } from '#base/config/problem';
import { systemClock } from '#base/std/system-clock';
import { type Miner, type MinerCounters, type MinerEvent, runMiner } from '#miner/miner';
import { CommandError, type ExitCode, exitCodes, type Io, paint } from './io.ts';
import { stopSignal } from './stop.ts';

export interface MineOptions {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly threads: number;
  /** Seconds; undefined: until stopped. */
  readonly duration?: number;
  readonly json?: boolean;
}

const PROGRESS_MS = 1000;

/** `sluice miner`: mines until the time is over or a signal arrives, then prints the result. */
export async function mine(options: MineOptions, io: Io): Promise<ExitCode> {
  const progress = new Progress(io);
  const startedMs = performance.now();
  const miner = startMiner(options, (event) => progress.event(event));
  const timers: NodeJS.Timeout[] = [];
  if (options.duration !== undefined) timers.push(setTimeout(() => void miner.stop(), options.duration * 1000));
  timers.push(setInterval(() => progress.show(miner.counters(), performance.now() - startedMs), PROGRESS_MS));
  void stopSignal(io).then(() => miner.stop());
  try {
    await miner.finished;
  } catch (error) {
    throw new CommandError(`${error instanceof Error ? error.message : String(error)}; see --url and --user`);
  } finally {
    for (const timer of timers) clearInterval(timer);
    progress.clear();
  }
  report(miner.counters(), performance.now() - startedMs, options.json === true, io);
  if (!progress.sawWork)
    throw new CommandError(`no work came from ${options.url}; is the pool running? (sluice start)`);
  return exitCodes.fine;
}

function startMiner(options: MineOptions, onEvent: (event: MinerEvent) => void): Miner {
  const { user, password, threads } = options;
  // People write tcp:// and ws:// as well.
  const url = options.url.replace(/^(?=(tcp|ws):\/\/)/, 'stratum+');
  try {
    return runMiner(
      { url, user, password, threads },
      {
        clock: systemClock,
        schedule(delayMs, task) {
          const timer = setTimeout(task, delayMs);
          return () => clearTimeout(timer);
        },
        randomBytes,
        onEvent,
      },
    );
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error), exitCodes.usage);
  }
}

/** Events as lines, and on a terminal one line below them that is kept current. */
class Progress {
  readonly #io: Io;
  sawWork = false;

  constructor(io: Io) {
    this.#io = io;
  }

  event(event: MinerEvent): void {
    const line = this.#describe(event);
    if (line === undefined) return;
    this.clear();
    this.#io.stderr.write(`${line}\n`);
  }

  /** Texts of a pool are escaped like any hostile text. */
  #describe(event: MinerEvent): string | undefined {
    const { stderr } = this.#io;
    switch (event.kind) {
      case 'connected':
        return `connected to ${event.endpoint.host} port ${event.endpoint.port}`;
      case 'work':
        if (this.sawWork) return undefined;
        this.sawWork = true;
        return `mining at difficulty ${event.difficulty}`;
      case 'rejected':
        return paint(this.#io, stderr, 'yellow', `rejected: ${showValue(event.reason)}`);
      case 'message':
        return `the pool says ${showValue(event.text)}`;
      case 'problem':
        return paint(this.#io, stderr, 'yellow', showValue(event.problem));
      case 'disconnected':
        return paint(
          this.#io,
          stderr,
          'yellow',
          `${showValue(event.reason)}; again in ${(event.retryInMs / 1000).toFixed(1)} s`,
        );
      case 'submitted':
      case 'accepted':
        return undefined;
    }
  }

  show(counters: MinerCounters, elapsedMs: number): void {
    if (this.#io.stderr.isTTY === true) this.#io.stderr.write(`\r\u001b[K${summary(counters, elapsedMs)}`);
  }

  clear(): void {
    if (this.#io.stderr.isTTY === true) this.#io.stderr.write('\r\u001b[K');
  }
}

function report(counters: MinerCounters, elapsedMs: number, json: boolean, io: Io): void {
  const seconds = elapsedMs / 1000;
  if (json) io.stdout.write(`${JSON.stringify({ seconds, hashrate: counters.hashes / seconds, ...counters })}\n`);
  else io.stdout.write(`${summary(counters, elapsedMs)}\n`);
}

function summary(counters: MinerCounters, elapsedMs: number): string {
  const rate = (counters.hashes * 1000) / Math.max(elapsedMs, 1);
  const shares = `${counters.accepted} accepted, ${counters.rejected} rejected`;
  return `${(elapsedMs / 1000).toFixed(0)} s, ${formatHashrate(rate)}, ${shares}, difficulty ${counters.difficulty}`;
}

/** Hashes a second in the unit that suits. */
export function formatHashrate(hashesPerSecond: number): string {
  const units = ['H/s', 'kH/s', 'MH/s', 'GH/s', 'TH/s', 'PH/s', 'EH/s'];
  const step = hashesPerSecond < 1000 ? 0 : Math.min(Math.floor(Math.log10(hashesPerSecond) / 3), units.length - 1);
  return `${(hashesPerSecond / 1000 ** step).toFixed(2)} ${units[step]}`;
}
