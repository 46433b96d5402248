import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { Bans } from '#front/net/door/bans';
import { dismissals } from '#front/net/door/dismissals';
import { DOOR_TICK_MS, Door } from '#front/net/door/door';
import { doorOptions } from '#front/net/door/door-options';
import type { ListenOptions } from '#front/net/listen/listener';
import { listenTcp } from '#front/net/listen/tcp';
import { listenWebSocket } from '#front/net/listen/websocket';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { WebSocketClient } from '../../support/websocket.ts';
import { makeBench } from '../session/support.ts';
import { doorSettings } from './door-settings.ts';
import { ManualClock } from './manual-clock.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A listener with a real door and real sessions. */
async function setUp(listen: typeof listenTcp, lines = 10_000, options: Partial<ListenOptions> = {}) {
  const clock = new ManualClock();
  const logger = recordedLogger();
  const bans = new Bans(
    { enabled: true, allow: [], deny: [], entriesMax: 1000 },
    { clock, changed: () => undefined, banned: (ban) => door.evict(ban) },
  );
  const door: Door = new Door(doorOptions(doorSettings({ lines })), { clock, logger, bans });
  const { stratum } = makeBench();
  const accept = stratum.accept.bind(stratum);
  const listener = await listen({ host: '127.0.0.1', port: 0, ...options }, { accept, logger, door });
  closing.push(() => {
    door.close();
    return listener.close();
  });
  return { clock, bans, door, ...listener.address };
}

/** A miner over TCP that has said something, with what it is told until its end. */
async function miner(address: { host: string; port: number }): Promise<{ socket: Socket; told: Promise<string> }> {
  const socket = connect(address);
  socket.on('error', () => undefined);
  closing.push(() => void socket.destroy());
  socket.write('{"id":1,"method":"mining.ping","params":[]}\n');
  await once(socket, 'data');
  return { socket, told: rest(socket) };
}

async function rest(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(socket, 'close');
  return text;
}

function message(why: string): string {
  return `${JSON.stringify({ id: null, method: 'client.show_message', params: [why] })}\n`;
}

describe('a miner whose connection is closed over TCP hears why', () => {
  it('if its line was too long', async () => {
    const { socket, told } = await miner(await setUp(listenTcp));
    socket.write('{'.repeat(limits.lineBytesMax + 2));
    expect(await told).toBe(message(dismissals.overlong));
  });

  it('if its address is banned for its conduct, with the end of the ban', async () => {
    const { bans, clock, ...address } = await setUp(listenTcp);
    const { told } = await miner(address);
    bans.punish('127.0.0.1', 'bad shares');
    const until = new Date(clock.nowMs() + 60_000).toISOString().slice(0, 19);
    expect(await told).toBe(message(`This address is banned until ${until}Z: bad shares`));
  });

  it('if an operator bans it, but not what the operator wrote about it', async () => {
    const { bans, ...address } = await setUp(listenTcp);
    const { told } = await miner(address);
    bans.add('127.0.0.1', 60_000, 'complaint of Mr Smith');
    const text = await told;
    expect(text).toContain('This address is banned until');
    expect(text).not.toContain('Smith');
  });

  it('if it gives way because the pool is overloaded', async () => {
    const { door, clock, ...address } = await setUp(listenTcp);
    const { socket, told } = await miner(address);
    const lateTick = (): void => {
      clock.advance(DOOR_TICK_MS + limits.overloadLagMsMax + 1);
      door.tick();
    };
    lateTick();
    socket.write('{"id":1,"method":"mining.ping","params":[]}\n'.repeat(100));
    await once(socket, 'data');
    lateTick();
    expect(await told).toContain(message(dismissals.overloaded));
  });
});

describe('no reason is given', () => {
  it('to a client that speaks another protocol, even if the pool bans it', async () => {
    const { bans, ...address } = await setUp(listenTcp);
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '{"id":1}\n', '']) {
      const socket = connect(address);
      socket.on('error', () => undefined);
      const told = rest(socket);
      await once(socket, 'connect');
      // The pool has taken the connection when it answers another.
      const { socket: other } = await miner(address);
      other.destroy();
      socket.write(bytes);
      bans.add('127.0.0.1', 60_000, 'enough');
      expect(await told).toBe('');
      bans.lift('127.0.0.1');
    }
  });

  it('to a client that does not read: its bound on unsent bytes holds', async () => {
    const sendQueueBytesMax = 64;
    const { bans, ...address } = await setUp(listenTcp, 10_000, { sendQueueBytesMax });
    const { told } = await miner(address);
    bans.add('127.0.0.1', 60_000, 'enough');
    expect(await told).toBe('');
  });
});

describe('a miner whose connection is closed over WebSocket hears why', () => {
  async function told(client: WebSocketClient, act: () => void): Promise<string[]> {
    const messages: string[] = [];
    await new Promise<void>((resolve) => {
      client.onMessage = (text) => {
        if (messages.push(text) === 1) act();
      };
      client.onClose = resolve;
      client.send('{"id":1,"method":"mining.ping","params":[]}');
    });
    return messages.slice(1);
  }

  it('if it is banned', async () => {
    const { bans, host, port } = await setUp(listenWebSocket);
    const client = await WebSocketClient.open(host, port);
    const messages = await told(client, () => bans.add('127.0.0.1', 60_000, 'enough'));
    expect(messages).toEqual([expect.stringContaining('This address is banned until')]);
    expect(client.closeCode).toBe(1001);
  });

  it('if it sends so much more than its rate that it can not wait in the pool', async () => {
    const { host, port } = await setUp(listenWebSocket, 5);
    const client = await WebSocketClient.open(host, port);
    const messages = await told(client, () => {
      const lines = Math.ceil(limits.waitingMessageBytesMax / limits.waitingMessageBytes);
      for (let line = 0; line < lines; line += 1) client.send('{"id":1,"method":"mining.ping","params":[]}');
    });
    expect(`${messages.at(-1)}\n`).toBe(message(dismissals.tooFast));
    expect(client.closeCode).toBe(1013);
  });
});
