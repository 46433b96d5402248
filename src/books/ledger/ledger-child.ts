import { resolve } from 'node:path';
import type { Logger } from '#base/domain/ports';
import { systemClock } from '#base/std/system-clock';
import { until } from '#base/std/until';
import { within } from '#base/std/within';
import { LedgerError } from './ledger-db.ts';
import { LedgerHouse } from './ledger-house.ts';
import type { LedgerChildOptions, LedgerReply, LedgerRequest } from './messages.ts';
import { Questions } from './questions.ts';

/** The ledger as a process of its own: it reads the share log and keeps the books. The pool is its parent. */

const LOCK_POLL_MS = 50;
const STATUS_EVERY_MS = 1_000;
/** How long the last of the work may take when the pool stops; the next start goes on where it ended. */
const CLOSE_MS_MAX = 4_000;

const say = (reply: LedgerReply): void => {
  if (process.connected) process.send?.(reply, () => {});
};
const logger: Logger = {
  debug: (fields, message) => say({ type: 'log', level: 'debug', fields, message }),
  info: (fields, message) => say({ type: 'log', level: 'info', fields, message }),
  warn: (fields, message) => say({ type: 'log', level: 'warn', fields, message }),
  error: (fields, message) => say({ type: 'log', level: 'error', fields, message }),
};
const questions = new Questions((id, call) => say({ type: 'ask', id, call }));

/** The ledger's lock may be held by the child of a pool that was just killed, until that child notices. */
async function openHouse(options: LedgerChildOptions): Promise<LedgerHouse> {
  let reason: unknown;
  const open = (): LedgerHouse | undefined => {
    try {
      const delivered = (journal: string, seq: number): void => say({ type: 'delivered', journal, seq });
      return new LedgerHouse(options, {
        ...{ clock: systemClock, logger, delivered, questions },
        window: (window) => say({ type: 'window', window }),
      });
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      reason = error;
      return undefined;
    }
  };
  const house = await until(open, { everyMs: LOCK_POLL_MS, msMax: options.lockMsMax });
  if (house === undefined) throw reason;
  return house;
}

async function main(options: LedgerChildOptions): Promise<void> {
  // Who earned how much is for the owner of the data folder alone.
  process.umask(0o077);
  const house = await openHouse({ ...options, folder: resolve(options.folder) });
  const report = (): void => {
    try {
      say({ type: 'status', status: house.status() });
    } catch (error) {
      // A journal that is just being removed, or a disk that fails: the part that reads it meets it as well, and says so.
      logger.debug({ err: String(error) }, 'the log can not be looked at');
    }
  };
  process.on('message', (request: LedgerRequest) => {
    if (request.type === 'answer') questions.answered(request.id, request.value);
    else if (request.type === 'close') void within(house.close(), CLOSE_MS_MAX).finally(() => process.exit());
  });
  house.start();
  report();
  setInterval(report, STATUS_EVERY_MS);
  say({ type: 'ready' });
}

// The terminal's Ctrl-C and a supervisor's SIGTERM go to the whole group; when to stop is the parent's to say.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.once('disconnect', () => process.exit());
process.once('message', (request: LedgerRequest) => {
  if (request.type !== 'start') process.exit();
  else {
    main(request.options).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      process.send?.({ type: 'refused', reason } satisfies LedgerReply, () => process.exit());
    });
  }
});
