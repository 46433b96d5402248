import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EXTRANONCE2_BYTES } from '#base/domain/job';
import { limits } from '#base/limits';
import { LineFramer } from '#front/net/listen/framer';
import { readProxyHeader } from '#front/net/listen/proxy-header';
import { decodeMessage } from '#front/stratum/v1/decode';
import { encodeError } from '#front/stratum/v1/encode';
import { FastSubmit } from '#front/stratum/v1/fast-submit';
import type { Message } from '#front/stratum/v1/message';
import type { Line } from '../front/session/support.ts';
import { Front } from '../support/front.ts';
import { anyLine, corpus, recorded } from './lines.ts';
import { fuzz, fuzzMsMax } from './runs.ts';

const prototype = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
afterAll(() => expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype))).toBe(prototype));

function idOf(message: Message): string | number | null {
  return message.kind === 'submit' ? message.request.id : message.id;
}

/** Bytes become a message whose id can go back as one line of ASCII, and the fast reader says nothing else. */
function checkDecoding(line: Uint8Array, fast: FastSubmit): void {
  const message = decodeMessage(line);
  const reply = encodeError(idOf(message), 20, 'x');
  expect(/^[ -~]*$/.test(reply)).toBe(true);
  expect(JSON.parse(reply)).toMatchObject({ error: [20, 'x', null] });
  const submit = fast.read(line);
  if (submit !== undefined) expect(message).toEqual({ kind: 'submit', request: submit });
  if (message.kind !== 'submit') return;
  const { ntime, nonce, versionBits = 0, extranonce2, workerName, jobName } = message.request;
  for (const word of [ntime, nonce, versionBits]) expect(word >>> 0).toBe(word);
  expect(extranonce2.length).toBeLessThanOrEqual(EXTRANONCE2_BYTES);
  expect(`${workerName}${jobName}`).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
}

describe('the decoders', () => {
  it.each([...corpus, ...recorded].map((line) => [line.toString('latin1').slice(0, 80), line] as const))(
    'take %j',
    (_text, line) => checkDecoding(line, new FastSubmit()),
  );

  it('take any bytes, and agree', { timeout: fuzzMsMax }, () => {
    const fast = new FastSubmit();
    fc.assert(
      fc.property(anyLine, (line) => checkDecoding(line, fast)),
      fuzz(5000),
    );
  });
});

describe('a JSON bomb', () => {
  const bombs = [
    '['.repeat(limits.lineBytesMax),
    '{"a":'.repeat(1600),
    `{"id":1,"method":"mining.submit","params":[${'[],'.repeat(2600)}[]]}`,
    `{"id":1,"method":"mining.configure","params":[[${'"x",'.repeat(2000)}"x"],{}]}`,
    `{"id":1,"method":"mining.configure","params":[["version-rolling"],{${'"a":1,'.repeat(1300)}"b":2}]}`,
    `{${'"params":[1],'.repeat(600)}"id":1,"method":"mining.authorize"}`,
    `{"id":${'9'.repeat(8000)},"method":"mining.ping"}`,
    `{"id":1,"method":"${'\\u0000'.repeat(1300)}"}`,
    `{"id":{"toJSON":1},"method":"mining.ping"}`,
    `{"id":[[1]],"method":"mining.authorize","params":[[["me"]]]}`,
  ];

  it('is a line like any other: one short reply, in less than it takes to notice, and nothing of it is written out again', async () => {
    const front = await Front.open();
    front.announce();
    const { client } = front.connect();
    const stringified: unknown[] = [];
    const stringify = JSON.stringify.bind(JSON);
    const spy = vi.spyOn(JSON, 'stringify').mockImplementation((value: unknown, ...more: unknown[]) => {
      stringified.push(value);
      return stringify(value, ...(more as [undefined]));
    });
    const before = process.cpuUsage();
    for (const bomb of bombs.map((text) => Buffer.from(text))) client.handler.onMessage(bomb, 0, bomb.length);
    front.flush();
    const { user, system } = process.cpuUsage(before);
    spy.mockRestore();
    await front.close();
    const replies = client.wire.texts;
    expect(replies).toHaveLength(bombs.length);
    for (const reply of replies) expect(reply.length).toBeLessThan(1500);
    // Texts and numbers of a client go back; a list or an object of it never does.
    expect(stringified.filter((value) => typeof value === 'object' && value !== null)).toEqual([]);
    // µs of CPU, so that a busy machine makes no difference; it takes a few thousand.
    expect(user + system).toBeLessThan(500_000);
  });
});

describe('the framer', () => {
  it('gives the same lines however the bytes are cut', { timeout: fuzzMsMax }, () => {
    const pieces = fc.array(
      fc.oneof(anyLine, fc.constantFrom(...['\n', '\r\n', '\n\n', '\r'].map((text) => Buffer.from(text)))),
    );
    const lines = (chunks: readonly Uint8Array[]): string[] => {
      const out: string[] = [];
      const framer = new LineFramer(
        300,
        (bytes, begin, end) => out.push(Buffer.from(bytes).toString('latin1', begin, end)) > 0,
      );
      for (const chunk of chunks) if (framer.push(chunk) === 'overlong') out.push('overlong');
      // After the first it says so of every chunk.
      return out.includes('overlong') ? [...out.filter((line) => line !== 'overlong'), 'overlong'] : out;
    };
    fc.assert(
      fc.property(pieces, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (parts, sizes) => {
        const bytes = Buffer.concat(parts);
        const chunks: Buffer[] = [];
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const size = sizes[cut % sizes.length] ?? 1;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(lines(chunks)).toEqual(lines([bytes]));
      }),
      fuzz(500, 10),
    );
  });
});

describe('the PROXY header', () => {
  it('is read, waited for or refused, and more bytes change no decision', { timeout: fuzzMsMax }, () => {
    const start = fc.constantFrom(
      'PROXY TCP4 203.0.113.7 10.0.0.1 49152 3333\r\n',
      'PROXY TCP6 2001:db8::7 ::1 0 65535\r\n',
      'PROXY UNKNOWN\r\n',
      '\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\x0a\x00\x00\x01\xc0\x00\x0d\x05',
      '\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00',
      '\r\n\r\n\0\r\nQUIT\n',
      '',
    );
    fc.assert(
      fc.property(
        start,
        fc.nat(60),
        fc.uint8Array({ maxLength: 4 }),
        fc.nat(3),
        fc.nat(200),
        (text, at, piece, cut, length) => {
          const bytes = Buffer.from(text, 'latin1');
          const mutated = Buffer.concat([
            bytes.subarray(0, at),
            piece,
            bytes.subarray(at + cut),
            Buffer.alloc(40, 'x'),
          ]);
          const short = readProxyHeader(mutated.subarray(0, length));
          const whole = readProxyHeader(mutated);
          if (short.kind === 'header') {
            expect(short.bytes).toBeLessThanOrEqual(length);
            expect(whole).toEqual(short);
          } else if (short.kind === 'invalid') expect(whole.kind).toBe('invalid');
        },
      ),
      fuzz(3000),
    );
  });
});

describe('a session', () => {
  let front: Front;
  beforeAll(async () => {
    front = await Front.open({ difficulty: { start: 1e-9, min: 1e-9, max: 1e3, vardiff: true, sharesPerMinute: 12 } });
  });
  afterAll(() => front.close());

  const event = fc.oneof(
    { weight: 20, arbitrary: anyLine },
    { weight: 1, arbitrary: fc.constantFrom('job' as const, 'tip' as const, 'minute' as const, 'gone' as const) },
  );

  it('answers each request once, in ASCII JSON, whatever it is told, and logs each share once', {
    timeout: fuzzMsMax,
  }, () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.boolean(), (events, loggedIn) => {
        front.announce();
        const miner = front.connect();
        const { client } = miner;
        if (loggedIn) miner.login({ mask: 'ffffffff' });
        front.log.length = 0;
        let [submits, tip] = [0, 1];
        for (const each of events) {
          if (client.wire.closes > 0) break;
          if (!(each instanceof Uint8Array)) {
            if (each === 'gone') break;
            if (each === 'tip') tip += 1;
            if (each === 'minute') front.clock.ms += 61_000;
            else front.announce(tip);
            front.registry.tick();
            check(client.wire.texts.splice(0));
            continue;
          }
          const message = decodeMessage(each);
          client.handler.onMessage(each, 0, each.length);
          front.flush();
          const lines = check(client.wire.texts.splice(0));
          const replies = lines.filter(({ method }) => method === undefined);
          if (message.kind === 'submit') submits += 1;
          expect(replies.length, each.toString('latin1')).toBe(expectedReplies(message));
        }
        expect(front.log.length).toBe(submits);
        expect(front.contained.lines).toEqual([]);
        client.handler.onClose();
      }),
      fuzz(150, 50),
    );
  });
});

/** One for each request; advice without an id wants none, and neither does an answer. */
function expectedReplies(message: Message): number {
  if (message.kind === 'reply') return 0;
  const advice = message.kind === 'suggest-difficulty' || message.kind === 'acknowledge';
  return advice && message.id === null ? 0 : 1;
}

function check(texts: readonly string[]): Line[] {
  return texts.map((text) => {
    expect(/^[ -~]*$/.test(text), text).toBe(true);
    expect(text.length).toBeLessThan(limits.lineBytesMax);
    const line = JSON.parse(text) as Line;
    // A success has no error, and says so; an error has no result.
    if (line.method === undefined) expect(line.error === null || line.result === null).toBe(true);
    return line;
  });
}
