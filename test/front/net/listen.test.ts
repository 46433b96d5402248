import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Wire, WireHandler } from '#base/domain/ports';
import type { Listener, ListenOptions } from '#front/net/listen/listener';
import { listenTcp } from '#front/net/listen/tcp';
import { listenWebSocket } from '#front/net/listen/websocket';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { type Transport, tcpTransport } from '../../support/stratum-client.ts';
import { clientFrame, opcodes, WebSocketClient } from '../../support/websocket.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** One end of a connection, seen by a test. */
class Recorded implements WireHandler {
  readonly wire: Wire;
  readonly messages: string[] = [];
  closes = 0;
  readonly closed: Promise<void>;
  #closed: () => void = () => {};
  readonly #react: (wire: Wire, message: string) => void;

  constructor(wire: Wire, react: (wire: Wire, message: string) => void) {
    this.wire = wire;
    this.#react = react;
    this.closed = new Promise((resolve) => {
      this.#closed = resolve;
    });
  }

  onMessage(bytes: Uint8Array, begin: number, end: number): void {
    const text = Buffer.from(bytes.subarray(begin, end)).toString();
    this.messages.push(text);
    this.#react(this.wire, text);
  }

  onEnd(): void {
    this.wire.close();
  }

  closingMessage(why: string): string {
    return `closing ${why}`;
  }

  expel(): void {}

  onClose(): void {
    this.closes += 1;
    this.#closed();
  }
}

interface Setup {
  readonly listener: Listener;
  readonly ends: Recorded[];
  connect(): Promise<Transport>;
}

type Listen = typeof listenTcp;

async function setup(
  listen: Listen,
  options: Partial<ListenOptions> = {},
  react: (wire: Wire, message: string) => void = (wire, message) => wire.send(`echo ${message}`),
): Promise<Setup> {
  const ends: Recorded[] = [];
  const accept = (wire: Wire): WireHandler => {
    const end = new Recorded(wire, react);
    ends.push(end);
    return end;
  };
  const listener = await listen({ host: '127.0.0.1', port: 0, ...options }, { accept, logger: recordedLogger() });
  closing.push(() => listener.close());
  const open = async (): Promise<Transport> => {
    const { host, port } = listener.address;
    const transport = await (listen === listenTcp ? tcpTransport(host, port) : WebSocketClient.open(host, port));
    closing.push(() => transport.close());
    return transport;
  };
  return { listener, ends, connect: open };
}

/** Collects messages; `count` resolves when that many have come. */
function inbox(transport: Transport): { readonly messages: string[]; count(n: number): Promise<string[]> } {
  const messages: string[] = [];
  let wake: (() => void) | undefined;
  transport.onMessage = (text) => {
    messages.push(text);
    wake?.();
  };
  return {
    messages,
    async count(n) {
      while (messages.length < n) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return messages;
    },
  };
}

function whenClosed(transport: Transport): Promise<void> {
  return new Promise((resolve) => {
    transport.onClose = () => resolve();
  });
}

describe.each([
  ['tcp', listenTcp],
  ['websocket', listenWebSocket],
])('%s', (name, listen) => {
  it('carries messages both ways and reports the client’s address', async () => {
    const { listener, ends, connect: open } = await setup(listen);
    expect(listener.address.port).toBeGreaterThan(0);
    const client = await open();
    const box = inbox(client);
    client.send('one');
    client.send('zwei ü 鉱');
    expect(await box.count(2)).toEqual(['echo one', 'echo zwei ü 鉱']);
    expect(ends[0]?.wire).toMatchObject({ transport: name, remoteIp: '127.0.0.1' });
    expect(listener.connections).toBe(1);
    client.close();
    await ends[0]?.closed;
    expect(ends[0]?.closes).toBe(1);
    expect(listener.connections).toBe(0);
    // After the end both are without effect.
    ends[0]?.wire.send('late');
    ends[0]?.wire.close();
    const none = { refused: 0, badHandshakes: 0, overlong: 0, slowReaders: 0, overMemory: 0 };
    expect(listener.counters).toEqual({ accepted: 1, ...none });
  });

  it('sends strings and bytes in the order in which they were queued, then closes', async () => {
    const { connect: open, ends } = await setup(listen, {}, (wire) => {
      wire.send('a');
      wire.send(Buffer.from('b ü'));
      wire.send('c'.repeat(100_000));
      wire.close();
      wire.send('never');
    });
    const client = await open();
    const box = inbox(client);
    const closed = whenClosed(client);
    client.send('go');
    client.send('not heard: closing');
    await closed;
    expect(box.messages).toEqual(['a', 'b ü', 'c'.repeat(100_000)]);
    await ends[0]?.closed;
    expect(ends[0]?.messages).toEqual(['go']);
  });

  it('closes a connection whose message is over the cap, and no other', async () => {
    const { connect: open, ends, listener } = await setup(listen, { lineBytesMax: 64 });
    const [good, bad] = [await open(), await open()];
    const closed = whenClosed(bad);
    bad.send('x'.repeat(65));
    await closed;
    await ends[1]?.closed;
    expect(ends[1]?.messages).toEqual([]);
    expect(listener.counters.overlong).toBe(1);
    good.send('y'.repeat(64));
    expect(await inbox(good).count(1)).toEqual([`echo ${'y'.repeat(64)}`]);
  });

  it('refuses connections over the maximum and takes new ones when there is room', async () => {
    const { connect: open, ends, listener } = await setup(listen, { connectionsMax: 1 });
    const first = await open();
    first.send('hello');
    await inbox(first).count(1);
    const second = await open().then(
      (transport) => whenClosed(transport).then(() => 'closed'),
      () => 'refused',
    );
    expect(['closed', 'refused']).toContain(second);
    expect(listener.counters).toMatchObject({ accepted: 1, refused: 1 });
    first.close();
    await ends[0]?.closed;
    const third = await open();
    third.send('hello');
    expect(await inbox(third).count(1)).toEqual(['echo hello']);
  });

  it('closes a connection without a handler', async () => {
    const listener = await listen(
      { host: '127.0.0.1', port: 0 },
      { accept: () => undefined, logger: recordedLogger() },
    );
    closing.push(() => listener.close());
    const { host, port } = listener.address;
    const client = await (listen === listenTcp ? tcpTransport(host, port) : WebSocketClient.open(host, port));
    await whenClosed(client);
    expect(listener.connections).toBe(0);
    expect(listener.counters).toMatchObject({ accepted: 0, refused: 1 });
  });

  it('drops a slow reader within its bound and serves the others', async () => {
    const flood = 'z'.repeat(60_000);
    const {
      connect: open,
      ends,
      listener,
    } = await setup(listen, { sendQueueBytesMax: 128 * 1024 }, (wire, message) => {
      for (let i = 0; message === 'flood' && i < 2; i += 1) wire.send(flood);
      if (message !== 'flood') wire.send(message);
    });
    const slow = connect({ host: listener.address.host, port: listener.address.port });
    closing.push(() => void slow.destroy());
    slow.on('error', () => {});
    const frame = (text: string): Buffer =>
      listen === listenTcp ? Buffer.from(`${text}\n`) : clientFrame(opcodes.text, Buffer.from(text));
    if (listen === listenWebSocket) {
      slow.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
      slow.write('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n');
      await once(slow, 'data');
    }
    slow.pause();
    // More than the kernel's buffers on both sides take.
    for (let i = 0; i < 200; i += 1) slow.write(frame('flood'));
    while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await ends[0]?.closed;
    expect(listener.counters.slowReaders).toBe(1);
    const other = await open();
    other.send('fine');
    expect(await inbox(other).count(1)).toEqual(['fine']);
  });

  it('survives connections that are reset, cut in the middle or send garbage', async () => {
    const { connect: open, listener } = await setup(listen);
    for (let i = 0; i < 20; i += 1) {
      const socket = connect({ host: listener.address.host, port: listener.address.port });
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(Buffer.from([0x16, 3, 1, 0, i, 0xff, 0x00]), () => socket.resetAndDestroy());
      await once(socket, 'close');
    }
    const client = await open();
    client.send('still here');
    expect(await inbox(client).count(1)).toEqual(['echo still here']);
  });

  it('stops accepting and keeps open connections', async () => {
    const { connect: open, listener } = await setup(listen);
    const client = await open();
    client.send('before');
    const box = inbox(client);
    await box.count(1);
    listener.stopAccepting();
    listener.stopAccepting();
    await expect(open()).rejects.toThrow();
    client.send('after');
    expect(await box.count(2)).toEqual(['echo before', 'echo after']);
  });

  it('closes every connection after its last message; a second close is harmless', async () => {
    const { connect: open, listener, ends } = await setup(listen);
    const clients = [await open(), await open()];
    for (const client of clients) {
      client.send('hi');
      await inbox(client).count(1);
    }
    const boxes = clients.map(inbox);
    const gone = clients.map(whenClosed);
    for (const end of ends) end.wire.send('goodbye');
    await Promise.all([listener.close(), listener.close()]);
    await Promise.all(gone);
    expect(boxes.map((box) => box.messages)).toEqual([['goodbye'], ['goodbye']]);
    expect(ends.map((end) => end.closes)).toEqual([1, 1]);
    expect(listener.connections).toBe(0);
    await listener.close();
  });

  it('rejects an address that is taken or not of this machine', async () => {
    const { listener } = await setup(listen);
    const modules = { accept: () => undefined, logger: recordedLogger() };
    await expect(listen({ host: '127.0.0.1', port: listener.address.port }, modules)).rejects.toThrow();
    await expect(listen({ host: '192.0.2.1', port: 0 }, modules)).rejects.toThrow();
  });
});

describe('tcp', () => {
  it('takes many lines in one segment and one line in many', async () => {
    const { connect: open, ends } = await setup(listenTcp, {}, (wire, message) => wire.send(message));
    const client = await open();
    const box = inbox(client);
    client.send('a\nb\r\nc');
    for (const char of 'slow\n') client.send(char);
    await box.count(7);
    expect(ends[0]?.messages).toEqual(['a', 'b', 'c', 's', 'l', 'o', 'w']);
  });

  it('writes the replies of one tick at once', async () => {
    const { listener } = await setup(listenTcp, {}, (wire, message) => wire.send(message));
    const socket = connect({ host: listener.address.host, port: listener.address.port });
    closing.push(() => void socket.destroy());
    socket.write('1\n2\n3\n4\n');
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('1\n2\n3\n4\n');
  });
});

describe('websocket', () => {
  it('takes text and binary frames, whole and in fragments, and answers in text', async () => {
    const { connect: open } = await setup(listenWebSocket);
    const client = (await open()) as WebSocketClient;
    const box = inbox(client);
    client.socket.write(clientFrame(opcodes.binary, Buffer.from('binary')));
    client.socket.write(clientFrame(opcodes.text, Buffer.from('frag'), false));
    client.socket.write(clientFrame(opcodes.continuation, Buffer.from('ments')));
    expect(await box.count(2)).toEqual(['echo binary', 'echo fragments']);
    expect(client.received).toEqual([opcodes.text, opcodes.text]);
  });

  it('serves only the root path, and answers browsers 426', async () => {
    const { listener } = await setup(listenWebSocket);
    const { host, port } = listener.address;
    await expect(WebSocketClient.open(host, port, '/other')).rejects.toThrow('426');
    const answer = await fetch(`http://${host}:${port}/`);
    expect(answer.status).toBe(426);
    expect(listener.connections).toBe(0);
  });

  it('says with its close frame that it goes away', async () => {
    const { connect: open, listener } = await setup(listenWebSocket);
    const client = (await open()) as WebSocketClient;
    const gone = whenClosed(client);
    await listener.close();
    await gone;
    expect(client.closeCode).toBe(1001);
  });
});
