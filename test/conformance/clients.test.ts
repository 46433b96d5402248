import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ListenModules } from '#front/net/listen/listener';
import { listenTcp } from '#front/net/listen/tcp';
import { listenTls } from '#front/net/listen/tls';
import { listenWebSocket } from '#front/net/listen/websocket';
import { type Bench, inShort, type Line, makeJob } from '../front/session/support.ts';
import { makeCertificate } from '../support/certificate.ts';
import { recordedLogger } from '../support/recorded-logger.ts';
import { WebSocketClient } from '../support/websocket.ts';
import { dialogues, matches } from './dialogue.ts';
import { makeFront } from './front.ts';

const closing: (() => Promise<void> | void)[] = [];
const anyPort = { host: '127.0.0.1', port: 0 };
let folder = '';
let certificate: ReturnType<typeof makeCertificate>;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-conformance-'));
  certificate = makeCertificate(folder, 'conformance');
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The client's end: writes lines as one segment (or one frame each) and reads lines one by one. */
interface Caller {
  write(lines: readonly string[]): void;
  next(): Promise<Line>;
}

function reader(): { push(text: string): void; next(): Promise<Line> } {
  const lines: string[] = [];
  let wake: (() => void) | undefined;
  return {
    push(text) {
      lines.push(text);
      wake?.();
    },
    async next() {
      while (lines.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return JSON.parse(lines.shift() ?? '') as Line;
    },
  };
}

function modulesOf({ stratum }: Bench): ListenModules {
  return { accept: (wire) => stratum.accept(wire), logger: recordedLogger() };
}

/** Lines over a stream, in pieces of at most `cut` characters. */
function overStream(socket: Socket, cut: number, ending = '\n'): Caller {
  closing.push(() => void socket.destroy());
  const { push, next } = reader();
  let rest = '';
  socket.setNoDelay(true);
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) push(line);
  });
  return {
    write(lines) {
      const text = lines.map((line) => `${line}${ending}`).join('');
      for (let start = 0; start < text.length; start += cut) socket.write(text.slice(start, start + cut));
    },
    next,
  };
}

async function overTcp(bench: Bench, cut = Number.POSITIVE_INFINITY, ending = '\n'): Promise<Caller> {
  const listener = await listenTcp(anyPort, modulesOf(bench));
  closing.push(() => listener.close());
  return overStream(connect(listener.address), cut, ending);
}

async function overTls(bench: Bench): Promise<Caller> {
  const listener = await listenTls({ ...anyPort, certificate }, modulesOf(bench));
  closing.push(() => listener.close());
  const socket = connectTls({ ...listener.address, rejectUnauthorized: false });
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return overStream(socket, Number.POSITIVE_INFINITY);
}

async function overWebSocket(bench: Bench): Promise<Caller> {
  const listener = await listenWebSocket(anyPort, modulesOf(bench));
  const client = await WebSocketClient.open(listener.address.host, listener.address.port);
  closing.push(
    () => listener.close(),
    () => client.close(),
  );
  const { push, next } = reader();
  client.onMessage = push;
  return {
    write(lines) {
      for (const line of lines) client.send(line);
    },
    next,
  };
}

it('has a dialogue for each kind of client', () => {
  expect(dialogues.map(({ client }) => client)).toEqual([
    'antminer',
    'apollo',
    'avalon',
    'bfgminer',
    'braiins-market',
    'braiins-os',
    'cgminer',
    'esp-miner',
    'farm-proxy',
    'luxos',
    'minerd',
    'nerdminer',
    'nerdqaxe',
    'nicehash',
    'stranger',
    'whatsminer',
  ]);
});

describe.each([
  ['TCP', (bench: Bench) => overTcp(bench)],
  ['TCP in pieces of 7 bytes', (bench: Bench) => overTcp(bench, 7)],
  ['TCP with \\r\\n', (bench: Bench) => overTcp(bench, Number.POSITIVE_INFINITY, '\r\n')],
  ['TLS', overTls],
  ['WebSocket', overWebSocket],
])('over %s', (_name, open) => {
  it.each(dialogues)('$client', async ({ turns }) => {
    const bench = makeFront(setImmediate);
    const caller = await open(bench);
    let serial = 1;
    for (const turn of turns) {
      if (turn.kind === 'write') caller.write(turn.lines);
      else if (turn.kind === 'job') {
        serial += 1;
        bench.registry.broadcast(makeJob(serial, { cleanJobs: turn.clean }));
      } else {
        const message = await caller.next();
        expect(matches(message, turn.message), `${JSON.stringify(message)}, and not ${turn.message}`).toBe(true);
      }
    }
    // Nothing else is on its way: what comes next is the answer to this.
    caller.write(['{"id":"end","method":"mining.ping","params":[]}']);
    expect(await caller.next()).toEqual({ id: 'end', result: 'pong', error: null });
  });
});

describe('a broadcast', () => {
  it('reaches every working client, over every transport', async () => {
    const bench = makeFront(setImmediate);
    const callers = [await overTcp(bench), await overWebSocket(bench), await overTls(bench), await overTcp(bench)];
    for (const caller of callers) {
      caller.write([
        '{"id":1,"method":"mining.subscribe","params":["someone/1"]}',
        '{"id":2,"method":"mining.authorize","params":["someone"]}',
      ]);
      for (let line = 0; line < 4; line += 1) await caller.next();
    }
    bench.registry.broadcast(makeJob(2, { cleanJobs: true }));
    const lines = await Promise.all(callers.map((caller) => caller.next()));
    expect(inShort(lines)).toEqual(Array(4).fill('job 0000000002 clean'));
  });
});
