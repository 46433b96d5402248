import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { readShared } from '#front/net/listen/shared-read';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A connection's two ends; nothing is read of the accepted one yet. */
async function connection(): Promise<{ readonly accepted: Socket; readonly peer: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  return { accepted, peer };
}

describe('sockets that read into one buffer', () => {
  it('are had from this Node.js', async () => {
    const { accepted, peer } = await connection();
    expect(readShared(accepted, () => {})).toBe(true);
    peer.destroy();
    accepted.destroy();
  });

  it('bring all bytes in order, each their own, and tell of the end', async () => {
    const pairs = await Promise.all(Array.from({ length: 20 }, connection));
    const buffers = new Set<ArrayBufferLike>();
    await Promise.all(
      pairs.map(async ({ accepted, peer }, i) => {
        let text = '';
        accepted.on('data', () => expect.fail('read as usual'));
        readShared(accepted, (bytes) => {
          buffers.add(bytes.buffer);
          text += Buffer.from(bytes).toString('latin1');
        });
        accepted.resume();
        const sent = Array.from({ length: 3_000 }, (_, line) => `${i}: line ${line} of many\n`);
        for (const line of sent) peer.write(line);
        peer.end();
        await once(accepted, 'close');
        expect(text).toBe(sent.join(''));
      }),
    );
    expect(buffers.size).toBe(1);
  });

  it('first bring what was put back, as data', async () => {
    const { accepted, peer } = await connection();
    let text = '';
    const take = (bytes: Uint8Array): void => {
      text += Buffer.from(bytes).toString();
    };
    peer.write('header,rest,');
    accepted.once('data', (chunk: Buffer) => {
      accepted.pause();
      accepted.unshift(chunk.subarray(7));
      accepted.on('data', take);
      readShared(accepted, take);
      accepted.resume();
      peer.write('more');
    });
    accepted.resume();
    await expect.poll(() => text).toBe('rest,more');
    peer.destroy();
    accepted.destroy();
  });

  it('bring nothing while they are paused, and then all, and the end', async () => {
    const { accepted, peer } = await connection();
    let text = '';
    readShared(accepted, (bytes) => {
      text += Buffer.from(bytes).toString();
      accepted.pause();
    });
    accepted.resume();
    peer.write('one');
    await expect.poll(() => text).toBe('one');
    peer.write('two');
    await delay(50);
    expect(text).toBe('one');
    peer.end();
    accepted.resume();
    await expect.poll(() => text).toBe('onetwo');
    accepted.resume();
    await once(accepted, 'close');
  });
});
