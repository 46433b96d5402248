import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { Wire } from '#base/domain/ports';
import type { Verdict } from '#base/domain/verdict';
import { Bans } from '#front/net/door/bans';
import { Door } from '#front/net/door/door';
import { doorOptions } from '#front/net/door/door-options';
import type { Framing, MessageSink } from '#front/net/listen/framing';
import type { Listener, ListenModules } from '#front/net/listen/listener';
import { listenTcp } from '#front/net/listen/tcp';
import { listenTls } from '#front/net/listen/tls';
import { listenWebSocket } from '#front/net/listen/websocket';
import { judgedShare } from '../../shares/sharelog/fixtures.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { WebSocketClient } from '../../support/websocket.ts';
import { doorSettings } from './door-settings.ts';
import { echoEnds } from './ends.ts';
import { ManualClock } from './manual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-judged-'));
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type TransportName = Wire['transport'];

function listen(name: TransportName, modules: ListenModules): Promise<Listener> {
  const options = { host: '127.0.0.1', port: 0 };
  if (name === 'tcp') return listenTcp(options, modules);
  if (name === 'websocket') return listenWebSocket(options, modules);
  return listenTls({ ...options, certificate: makeCertificate(folder, 'judged') }, modules);
}

async function open(name: TransportName, { host, port }: Listener['address']): Promise<void> {
  if (name === 'websocket') {
    const client = await WebSocketClient.open(host, port);
    closing.push(() => client.close());
    return;
  }
  const socket = name === 'tls' ? connectTls({ host, port, rejectUnauthorized: false }) : connect(port, host);
  socket.on('error', () => {});
  closing.push(() => void socket.destroy());
}

/** A connection through a real door, and its wire. */
async function setUp(name: TransportName) {
  const clock = new ManualClock();
  const logger = recordedLogger();
  const bans = new Bans(
    { enabled: true, allow: [], deny: [], entriesMax: 1000 },
    { clock, changed: () => {}, banned: (ban) => door.evict(ban) },
  );
  const door: Door = new Door(doorOptions(doorSettings()), { clock, logger, bans });
  const { ends, accept } = echoEnds();
  const listener = await listen(name, { accept, logger, door });
  closing.push(() => {
    door.close();
    return listener.close();
  });
  await open(name, listener.address);
  await expect.poll(() => ends.length).toBe(1);
  const [end] = ends;
  if (!end) throw new Error('no connection');
  const shares = (verdict: Verdict, count: number, rig: string): void => {
    const worker = { name: rig, account: rig, rig };
    for (let each = 0; each < count; each += 1) end.wire.judged(judgedShare({ verdict, worker }));
  };
  return { bans, door, end, shares };
}

it.each(['tcp', 'tls', 'websocket'] as const)(
  'a wire over %s knows what its client’s shares say of it',
  async (name) => {
    const { bans, door, end, shares } = await setUp(name);
    for (const rig of ['good', 'bad']) expect(end.wire.admits(rig)).toBe(true);
    shares('accepted', 500, 'good');
    shares('low-difficulty', 300, 'bad');
    expect(end.expelled, 'the worker alone').toEqual(['bad']);
    expect(end.wire.admits('bad')).toBe(false);
    expect(door.visits).toBe(1);
    shares('low-difficulty', 2000, 'good');
    await end.closed;
    expect(bans.list()).toMatchObject([{ address: '127.0.0.1', reason: 'bad shares' }]);
    // What is judged after the end counts for the address, and is safe.
    shares('accepted', 1, 'good');
  },
);

/** Messages that end in a semicolon. Nothing is junk but what begins with a question mark. */
const semicolons: Framing = {
  ending: ';',
  reader(_bytesMax, sink: MessageSink) {
    let text = '';
    return {
      at: 0,
      bufferBytes: 0,
      push(chunk, from = 0) {
        text += Buffer.from(chunk.subarray(from)).toString();
        const messages = text.split(';');
        text = messages.pop() ?? '';
        for (const message of messages) sink(Buffer.from(message), 0, message.length);
        return 'ok';
      },
    };
  },
  isForeign: (bytes) => bytes[0] === 0x21,
  faultOf: (bytes, begin) => (bytes[begin] === 0x3f ? 'junk' : undefined),
};

it('a listener speaks the framing that it is given', async () => {
  const { ends, accept } = echoEnds();
  const listener = await listenTcp(
    { host: '127.0.0.1', port: 0 },
    { accept, logger: recordedLogger(), framing: semicolons },
  );
  closing.push(() => listener.close());
  const socket = connect(listener.address.port, '127.0.0.1');
  closing.push(() => void socket.destroy());
  let heard = '';
  socket.on('data', (bytes) => {
    heard += bytes.toString();
  });
  socket.write('one;two\nlines;th');
  socket.write('ree;');
  await expect.poll(() => heard).toBe('echo one;echo two\nlines;echo three;');
  const foreign = connect(listener.address.port, '127.0.0.1');
  closing.push(() => void foreign.destroy());
  foreign.on('error', () => {});
  foreign.write('!one;');
  await expect.poll(() => ends.length).toBe(2);
  await ends[1]?.closed;
  expect(ends[1]?.messages).toEqual([]);
});
