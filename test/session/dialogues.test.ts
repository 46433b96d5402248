import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ShareIntake } from '../../src/domain/ports.ts';
import { listenTcp } from '../../src/net/tcp.ts';
import { listenWebSocket } from '../../src/net/websocket.ts';
import { recordedLogger } from '../support/recorded-logger.ts';
import { WebSocketClient } from '../support/websocket.ts';
import { type Bench, inShort, type Line, makeBench, makeJob } from './support.ts';

/**
 * What clients really send, in their order and in their writes, over real sockets; written from the clients' sources
 * and documents. `>` is a write of the client (one segment, one or more lines), `<` the line that must come back next.
 */
interface Dialogue {
  readonly client: string;
  readonly turns: readonly (readonly ['>', ...string[]] | readonly ['<', string | object])[];
}

const share = (job: string, nonce: string): string => `"${job}","0000000000000001","6553f164","${nonce}"`;
const subscribed = (id: unknown): object => ({
  id,
  result: [expect.anything(), expect.stringMatching(/^f0[0-9a-f]{6}$/), 8],
  error: null,
});
const done = (id: unknown): object => ({ id, result: true, error: null });

const dialogues: readonly Dialogue[] = [
  {
    client: 'minerd: every submit has the id 4, answered in order',
    turns: [
      ['>', '{"id": 1, "method": "mining.subscribe", "params": ["cpuminer/2.5.1"]}'],
      ['<', subscribed(1)],
      ['>', '{"id": 2, "method": "mining.authorize", "params": ["someone", "x"]}'],
      ['<', done(2)],
      ['<', 'difficulty 1000'],
      ['<', 'job 0000000001 clean'],
      ['>', '{"id": 3, "method": "mining.extranonce.subscribe", "params": []}'],
      ['<', done(3)],
      [
        '>',
        `{"method": "mining.submit", "params": ["someone", ${share('0000000001', '00000001')}], "id":4}`,
        `{"method": "mining.submit", "params": ["someone", ${share('0000000001', 'bad0bad0')}], "id":4}`,
        `{"method": "mining.submit", "params": ["someone", ${share('0000000001', '00000002')}], "id":4}`,
      ],
      ['<', done(4)],
      ['<', 'error 23'],
      ['<', done(4)],
    ],
  },
  {
    client: 'cgminer: configure first, with nothing unasked-for before the replies to configure and subscribe',
    turns: [
      [
        '>',
        '{"id": 0, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "ffffffff"}]}',
      ],
      ['<', { id: 0, result: { 'version-rolling': true, 'version-rolling.mask': '1fffe000' }, error: null }],
      ['>', '{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.12.1", "0000000000000009"]}'],
      ['<', subscribed(1)],
      ['>', '{"id": 2, "method": "mining.authorize", "params": ["someone.s9", "123"]}'],
      ['<', done(2)],
      ['<', 'mask 1fffe000'],
      ['<', 'difficulty 1000'],
      ['<', 'job 0000000001 clean'],
      [
        '>',
        `{"params": ["someone.s9", ${share('0000000001', '0abcdef1')}, "00a00000"], "id": 3, "method": "mining.submit"}`,
      ],
      ['<', done(3)],
    ],
  },
  {
    client: 'BFGMiner: string ids, a target suggested before subscribing, transactions asked for',
    turns: [
      [
        '>',
        '{"id":null,"method":"mining.suggest_target","params":["00000000ffff0000000000000000000000000000000000000000000000000000"]}',
        '{"id": 1, "method": "mining.subscribe", "params": ["bfgminer/5.5.0"]}',
      ],
      ['<', subscribed(1)],
      [
        '>',
        '{"id": "xnsub", "method": "mining.extranonce.subscribe", "params": []}',
        '{"id": "auth", "method": "mining.authorize", "params": ["someone_1", "x"]}',
      ],
      ['<', done('xnsub')],
      ['<', done('auth')],
      ['<', 'difficulty 1'],
      ['<', 'job 0000000001 clean'],
      ['>', '{"params": ["0000000001"], "id": "txlist0000000001", "method": "mining.get_transactions"}'],
      ['<', { id: 'txlist0000000001', result: [], error: null }],
    ],
  },
  {
    client: 'ESP-Miner: configure, subscribe, authorize and more in one write',
    turns: [
      [
        '>',
        '{"id": 1, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "ffffffff"}]}',
        '{"id": 2, "method": "mining.subscribe", "params": ["bitaxe/BM1370/v2.6.0"]}',
        '{"id": 3, "method": "mining.authorize", "params": ["someone.bitaxe", "x"]}',
        '{"id": 4, "method": "mining.suggest_difficulty", "params": [512]}',
        '{"id": 5, "method": "mining.extranonce.subscribe", "params": []}',
      ],
      ['<', { id: 1, result: { 'version-rolling': true, 'version-rolling.mask': '1fffe000' }, error: null }],
      ['<', subscribed(2)],
      ['<', done(3)],
      ['<', 'mask 1fffe000'],
      ['<', 'difficulty 1000'],
      ['<', 'job 0000000001 clean'],
      ['<', done(4)],
      ['<', 'difficulty 512'],
      ['<', 'job 00000000010001'],
      ['<', done(5)],
      [
        '>',
        `{"id": 6, "method": "mining.submit", "params": ["someone.bitaxe", ${share('00000000010001', '000000a1')}, "00002000"]}`,
      ],
      ['<', done(6)],
    ],
  },
  {
    client: 'NerdMiner: a suggestion as a notification, repeated without effect',
    turns: [
      ['>', '{"id": 1, "method": "mining.subscribe", "params": ["NerdMinerV2/1.7.0"]}'],
      ['<', subscribed(1)],
      ['>', '{"params": ["someone.nerd", "x"], "id": 2, "method": "mining.authorize"}'],
      ['<', done(2)],
      ['<', 'difficulty 0.00015'],
      ['<', 'job 0000000001 clean'],
      ['>', '{"id": null, "method": "mining.suggest_difficulty", "params": [0.00015]}'],
      ['>', '{"id": null, "method": "mining.suggest_difficulty", "params": [0.00015]}'],
      [
        '>',
        '{"id": 7, "method": "mining.submit", "params": ["someone.nerd", "0000000001", "0000000000000001", "6553f164", "a1"]}',
      ],
      ['<', done(7)],
    ],
  },
  {
    client: 'NiceHash: a timestamp and an HMAC in subscribe',
    turns: [
      [
        '>',
        '{"id":1,"method":"mining.subscribe","params":["NiceHash/1.0.0",1700000000123,"a94a8fe5ccb19ba61c4c0873d391e987"]}',
      ],
      ['<', subscribed(1)],
      [
        '>',
        '{"id":2,"method":"mining.extranonce.subscribe","params":[]}',
        '{"id":3,"method":"mining.authorize","params":["someone","d=524288"]}',
      ],
      ['<', done(2)],
      ['<', done(3)],
      ['<', 'difficulty 524288'],
      ['<', 'job 0000000001 clean'],
    ],
  },
  {
    client: 'Braiins’ market and LuxOS: empty params, nulls in params, difficulty and work at once',
    turns: [
      ['>', '{"id":0,"method":"mining.subscribe","params":[]}'],
      ['<', subscribed(0)],
      ['>', '{"id":1,"method":"mining.subscribe","params":["LUXminer/2025",null,"pool.example:3333",null]}'],
      ['<', subscribed(1)],
      ['>', '{"id":2,"method":"mining.authorize","params":["someone.lux",null]}'],
      ['<', done(2)],
      ['<', 'difficulty 1000'],
      ['<', 'job 0000000001 clean'],
      ['>', '{"id":3,"method":"mining.ping","params":[]}'],
      ['<', { id: 3, result: 'pong', error: null }],
    ],
  },
  {
    client: 'a farm proxy: authorises before subscribing, submits for several workers in one write',
    turns: [
      [
        '>',
        '{"id":1,"method":"mining.authorize","params":["farm.a",""]}',
        '{"id":2,"method":"mining.authorize","params":["farm.b",""]}',
        '{"id":3,"method":"mining.subscribe","params":["proxy/1"]}',
      ],
      ['<', done(1)],
      ['<', done(2)],
      ['<', subscribed(3)],
      ['<', 'difficulty 1000'],
      ['<', 'job 0000000001 clean'],
      [
        '>',
        `{"id":4,"method":"mining.submit","params":["farm.b",${share('0000000001', '1')}]}`,
        `{"id":5,"method":"mining.submit","params":["farm.a",${share('0000000001', '2')}]}`,
        `{"id":6,"method":"mining.submit","params":["farm.c",${share('0000000001', '3')}]}`,
      ],
      ['<', done(4)],
      ['<', done(5)],
      ['<', 'error 24'],
    ],
  },
];

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A pool's front with a simple judge behind it: nonce bad0bad0 has too little difficulty. */
function makeFront(): Bench {
  const intake: ShareIntake = {
    take(submitter, request) {
      setImmediate(() => {
        const worker = submitter.worker(request.workerName);
        const judged = { submitter, request, worker, job: undefined, terms: undefined, version: 0 };
        const verdict = !worker ? 'unauthorized' : request.nonce === 0xbad0bad0 ? 'low-difficulty' : 'accepted';
        const rest = { shareDifficulty: 0, block: false, receivedMs: 0, latencyUs: 0 } as const;
        submitter.settle({ ...judged, ...rest, verdict: request.malformed ? 'malformed' : verdict });
      });
    },
  };
  const bench = makeBench({}, { intake });
  bench.registry.broadcast(makeJob(1));
  return bench;
}

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

async function overTcp({ registry }: Bench, cut: number): Promise<Caller> {
  const listener = await listenTcp(
    { host: '127.0.0.1', port: 0 },
    { accept: (wire) => registry.accept(wire), logger: recordedLogger() },
  );
  const socket = connect({ ...listener.address, noDelay: true });
  closing.push(
    () => listener.close(),
    () => void socket.destroy(),
  );
  const { push, next } = reader();
  let rest = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) push(line);
  });
  return {
    write(lines) {
      const text = lines.map((line) => `${line}\n`).join('');
      for (let start = 0; start < text.length; start += cut) socket.write(text.slice(start, start + cut));
    },
    next,
  };
}

async function overWebSocket({ registry }: Bench): Promise<Caller> {
  const listener = await listenWebSocket(
    { host: '127.0.0.1', port: 0 },
    { accept: (wire) => registry.accept(wire), logger: recordedLogger() },
  );
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

describe.each([
  ['TCP', (bench: Bench) => overTcp(bench, Number.POSITIVE_INFINITY)],
  ['TCP in pieces of 7 bytes', (bench: Bench) => overTcp(bench, 7)],
  ['WebSocket', overWebSocket],
])('dialogues over %s', (_name, open) => {
  it.each(dialogues)('$client', async ({ turns }) => {
    const caller = await open(makeFront());
    for (const [direction, ...what] of turns) {
      if (direction === '>') caller.write(what as string[]);
      else {
        const [expected] = what;
        const line = await caller.next();
        if (typeof expected === 'string') expect(inShort([line])).toEqual([expected]);
        else expect(line).toEqual(expected);
      }
    }
    // Nothing else is on its way: what comes next is the answer to this.
    caller.write(['{"id":"end","method":"mining.ping","params":[]}']);
    expect(await caller.next()).toMatchObject({ id: 'end' });
  });
});

describe('a broadcast', () => {
  it('reaches everybody who works, over both transports', async () => {
    const bench = makeFront();
    const callers = [await overTcp(bench, 1000), await overWebSocket(bench), await overTcp(bench, 1000)];
    for (const caller of callers) {
      caller.write([
        '{"id":1,"method":"mining.subscribe","params":[]}',
        '{"id":2,"method":"mining.authorize","params":["someone"]}',
      ]);
      for (let line = 0; line < 4; line += 1) await caller.next();
    }
    bench.registry.broadcast(makeJob(2, { cleanJobs: true }));
    const lines = await Promise.all(callers.map((caller) => caller.next()));
    expect(inShort(lines)).toEqual(Array(3).fill('job 0000000002 clean'));
  });
});
