// A process that logs shares as fast as it can and prints, for each commit, how many are acknowledged; to be killed.
import { openShareLog } from '../../../dist/shares/sharelog/log.js';

const [folder, boot] = process.argv.slice(2);
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const quiet = () => {};
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const log = await openShareLog(
  { folder, node: 'killed', consumers: ['test'], segmentBytes: 20_000 },
  { clock, logger },
);
const source = { sessionId: BigInt(boot), extranonce1: new Uint8Array(4), remoteIp: '', userAgent: '' };
const worker = { name: 'a.b', account: 'a', rig: 'b' };
let nonce = 0;
const burst = () => {
  for (let i = 0; i < 7; i += 1) {
    const submission = { source, worker, jobName: '', extranonce2: new Uint8Array(), ntime: 0, nonce };
    nonce += 1;
    log.share({
      submission,
      verdict: 'accepted',
      version: 0,
      shareDifficulty: 1,
      block: false,
      receivedMs: 0,
      latencyUs: 0,
    });
  }
  const acknowledged = nonce;
  log.commit(() => process.stdout.write(`${acknowledged}\n`));
  setImmediate(burst);
};
burst();
