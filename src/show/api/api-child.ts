import { systemClock } from '#base/std/system-clock';
import { TokenGuard } from './admin-token.ts';
import type { FromServer, ServerStart, ToServer } from './messages.ts';
import { PoolFault, PoolQuestions } from './pool-questions.ts';
import { type Server, startServer } from './server.ts';

/** HTTP as a process of its own: everything that strangers can send it. The pool is its parent. */

const COUNTS_EVERY_MS = 1000;

const say = (message: FromServer): void => {
  if (process.connected) process.send?.(message, () => {});
};
const questions = new PoolQuestions((id, question) => say({ type: 'ask', id, question }), { clock: systemClock });
let server: Server | undefined;

async function start({ bans, sqlTokenDigest, ...options }: ServerStart): Promise<void> {
  const { pool, miner, ready, metrics, job, health, admin } = questions;
  const fault = (kind: string, error: unknown): void => {
    // The pool has told of its own faults already.
    if (!(error instanceof PoolFault)) say({ type: 'fault', kind, reason: reasonOf(error) });
  };
  const sqlGuard =
    sqlTokenDigest === undefined
      ? undefined
      : new TokenGuard(Buffer.from(sqlTokenDigest, 'hex'), () => systemClock.monotonicMs());
  const sources = { pool, miner, ready, metrics, job, health, admin };
  const started = await startServer(options, { clock: systemClock, fault, sqlGuard, ...sources });
  for (const ban of bans) started.ban(ban);
  server = started;
  say({ type: 'listening', port: started.port });
  setInterval(() => say({ type: 'counts', counts: started.counts() }), COUNTS_EVERY_MS);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.on('message', (message: ToServer) => {
  switch (message.type) {
    case 'start':
      start(message.start).catch((error: unknown) => {
        say({ type: 'refused', reason: error instanceof Error ? error.message : String(error) });
      });
      return;
    case 'reply':
      questions.replied(message.id, message.reply);
      return;
    case 'failed':
      questions.failed(message.id);
      return;
    case 'ban':
      server?.ban(message.ban);
      return;
    case 'pardon':
      server?.pardon(message.address);
  }
});
// The terminal's Ctrl-C and a supervisor's SIGTERM go to the whole group; when to stop is the pool's to say.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});
process.once('disconnect', () => process.exit());
say({ type: 'hello' });
