import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame, FrameReader } from '../../src/sharelog/frames.ts';
import { openShareLog, type ShareLog } from '../../src/sharelog/log.ts';
import { openLogReader } from '../../src/sharelog/log-reader.ts';
import { LOG_SOCKET_FILE } from '../../src/sharelog/log-server.ts';
import { connectShareLog, type RemoteLog } from '../../src/sharelog/remote-log.ts';
import { columnsOf } from '../../src/sharelog/rows.ts';
import { clock, dataFolder, decodeRows, judgedShare, keptLogger, type Row } from './fixtures.ts';

const share = (nonce: number): ReturnType<typeof judgedShare> => judgedShare({ request: { nonce } });
const committed = (log: Pick<ShareLog, 'commit'>): Promise<void> => new Promise((resolve) => log.commit(resolve));

describe('frames', () => {
  const segment = fc.tuple(fc.nat({ max: 1000 }), fc.uint8Array({ maxLength: 300 })).map(([rows, bytes]) => ({
    kind: 'shares' as const,
    rows,
    length: bytes.length,
    buffer: Uint8Array.from(bytes).buffer,
  }));
  const body = fc.array(segment, { maxLength: 4 });

  it('come out as they went in, wherever the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(body, { maxLength: 4 }),
        fc.array(fc.nat({ max: 400 }), { maxLength: 12 }),
        (bodies, cuts) => {
          const stream = Buffer.concat(bodies.flatMap((one, index) => encodeFrame(one, index + 0.5)));
          const reader = new FrameReader();
          const commits = [];
          let from = 0;
          for (const cut of [...cuts, stream.length]) {
            commits.push(...reader.push(stream.subarray(from, from + cut)));
            from += cut;
          }
          expect(commits).toEqual(bodies.map((batches, index) => ({ batches, handedMs: index + 0.5 })));
        },
      ),
    );
  });

  it('are refused where they are none, and never take more memory than one may', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), (bytes) => {
        const reader = new FrameReader();
        try {
          for (const commit of reader.push(Buffer.from(bytes))) {
            for (const batch of commit.batches) expect(batch.buffer.byteLength).toBe(batch.length);
          }
        } catch (error) {
          expect(String(error)).toContain('a frame');
        }
      }),
    );
    expect(() => new FrameReader().push(Buffer.from('ffffffff', 'hex'))).toThrow('a frame');
    expect(() => new FrameReader().push(Buffer.from('01000000', 'hex'))).toThrow('a frame');
  });
});

describe('the share log, from another process', () => {
  let folder: ReturnType<typeof dataFolder>;
  let log: ShareLog;
  const remotes: RemoteLog[] = [];
  const lost: string[] = [];

  beforeEach(async () => {
    folder = dataFolder();
    log = await openShareLog(
      { folder: folder.path, node: 'pool-1', consumers: ['analytics'], serve: true },
      { clock, logger: keptLogger() },
    );
  });
  afterEach(async () => {
    await Promise.all(remotes.splice(0).map((remote) => remote.close(5000)));
    await log.close();
    folder.remove();
    lost.length = 0;
  });

  async function remote(node: string): Promise<RemoteLog> {
    const made = await connectShareLog(
      { folder: folder.path, node, epoch: log.epoch },
      { clock, lost: (reason) => lost.push(reason) },
    );
    remotes.push(made);
    return made;
  }

  function rows(): Row[] {
    const reader = openLogReader(folder.path);
    const found = reader
      ?.bodies('shares', 0, Number.MAX_SAFE_INTEGER)
      .flatMap((bytes) => decodeRows(columnsOf.shares, bytes));
    reader?.close();
    return found ?? [];
  }

  it('has what several of them committed on the disk when it says so, each in its order', async () => {
    const [one, two] = [await remote('gateway-1'), await remote('gateway-2')];
    const order: string[] = [];
    for (let nonce = 0; nonce < 50; nonce += 1) {
      one.share(share(nonce));
      one.commit(() => order.push(`one ${nonce}`));
      two.share(share(1000 + nonce));
      log.share(share(2000 + nonce));
      if (nonce % 7 === 0) two.commit(() => order.push(`two ${nonce}`));
    }
    await Promise.all([committed(one), committed(two), committed(log)]);
    const stored = rows();
    for (const [node, first] of [
      ['gateway-1', 0],
      ['gateway-2', 1000],
      ['pool-1', 2000],
    ] as const) {
      const nonces = stored.filter((row) => row['node'] === node).map((row) => row['nonce']);
      expect(nonces).toEqual(Array.from({ length: 50 }, (_, nonce) => first + nonce));
    }
    const ofOne = order.filter((entry) => entry.startsWith('one'));
    expect(ofOne).toEqual(Array.from({ length: 50 }, (_, nonce) => `one ${nonce}`));
  });

  it('sends nothing before what it waits for is there, and everything in its order', async () => {
    let there = (): void => {};
    let ready: Promise<void> | undefined = new Promise((resolve) => {
      there = resolve;
    });
    const one = await connectShareLog(
      { folder: folder.path, node: 'gateway-1', epoch: log.epoch },
      { clock, lost: () => {}, ready: () => ready },
    );
    remotes.push(one);
    const order: number[] = [];
    const commit = (nonce: number): void => {
      one.share(share(nonce));
      one.commit(() => order.push(nonce));
    };
    commit(1);
    ready = undefined;
    commit(2);
    await committed(log);
    await new Promise((resolve) => setImmediate(resolve));
    expect(rows()).toEqual([]);
    there();
    commit(3);
    await committed(one);
    expect(order).toEqual([1, 2, 3]);
    expect(rows().map((row) => row['nonce'])).toEqual([1, 2, 3]);
  });

  it('tells a gateway when it is gone, and acknowledges nothing then', async () => {
    const one = await remote('gateway-1');
    one.share(share(1));
    await committed(one);
    await log.close();
    await expect.poll(() => lost.length).toBe(1);
    let acknowledged = false;
    one.share(share(2));
    one.commit(() => {
      acknowledged = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(acknowledged).toBe(false);
    expect(rows().map((row) => row['nonce'])).toEqual([1]);
  });

  it('drops a stranger who talks nonsense, and goes on', async () => {
    const stranger = connect(join(folder.path, LOG_SOCKET_FILE));
    const closed = new Promise((resolve) => stranger.once('close', resolve));
    stranger.on('error', () => {});
    stranger.write('GET / HTTP/1.1\r\nHost: nowhere\r\n\r\n');
    await closed;
    const one = await remote('gateway-1');
    one.share(share(1));
    await committed(one);
    expect(rows().length).toBe(1);
  });
});
