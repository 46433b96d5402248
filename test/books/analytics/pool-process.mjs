// A process with a share log and its analytics, to be killed: logs one commit and says when it is acknowledged, with the pid of its child.
import { startAnalytics } from '../../../dist/books/analytics/analytics.js';
import { openShareLog } from '../../../dist/shares/sharelog/log.js';

const [folder] = process.argv.slice(2);
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const quiet = () => {};
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const log = await openShareLog({ folder, node: 'killed', consumers: ['analytics'] }, { clock, logger });
const analytics = await startAnalytics(
  { folder },
  { logger, delivered: (_journal, seq) => log.confirm('analytics', seq) },
);
const source = { sessionId: 1n, extranonce1: new Uint8Array(4), remoteIp: '', userAgent: '' };
const submission = { source, workerName: 'who', jobName: '', extranonce2: new Uint8Array(), ntime: 0, nonce: 0 };
log.share({
  submission,
  verdict: 'accepted',
  version: 0,
  shareDifficulty: 1,
  block: false,
  receivedMs: 0,
  latencyUs: 0,
});
log.commit(() => process.stdout.write(`${analytics.status().pid}\n`));
