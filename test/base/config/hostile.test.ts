import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { stringify } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collide, formatHostPort, parseHostPort, parseHttpService } from '#base/config/endpoint';
import { keys } from '#base/config/keys';
import { loadConfig } from '#base/config/load';
import { editDistance, nearest } from '#base/config/near';
import { ConfigError } from '#base/config/problem';

let file: string;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
  file = join(folder, 'sluice.toml');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Env = Record<string, string | undefined>;

/** Loads, and holds the promise: a frozen config or a ConfigError whose message is one harmless line per problem. */
function tryLoad(content: string | Uint8Array, env: Env = {}): 'taken' | 'refused' {
  writeFileSync(file, content);
  try {
    expect(Object.isFrozen(loadConfig({ file, env }))).toBe(true);
    return 'taken';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    expect(error.message.split('\n')).toHaveLength(error.problems.length + 1);
    return 'refused';
  }
}

const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));
const names = fc.oneof(
  fc.constantFrom(...new Set(keys.flatMap(({ path }) => path)), '__proto__', 'constructor', 'toString'),
  anyText,
);
const values = fc.oneof(
  anyText,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom('127.0.0.1:0', 'http://u:p@h:1/d', 'main', 'false', '1fffe000'),
  fc.array(anyText, { maxLength: 3 }),
  fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
);
const { table } = fc.letrec<{ table: Record<string, unknown>; value: unknown }>((tie) => ({
  table: fc.dictionary(names, tie('value'), { maxKeys: 5 }),
  value: fc.oneof({ maxDepth: 4 }, values, tie('table')),
}));

describe('a hostile config', () => {
  it('is taken or refused, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void tryLoad(bytes)));
    fc.assert(fc.property(anyText, (text) => void tryLoad(text)));
  });

  it('is taken or refused, whatever the tables', () => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(table, (content) => {
        let toml: string;
        try {
          toml = stringify(content);
        } catch {
          return; // not everything here can be written as TOML
        }
        outcomes.add(tryLoad(toml));
      }),
      { numRuns: 500 },
    );
    expect(outcomes).toEqual(new Set(['taken', 'refused']));
  });

  it('is taken or refused, whatever the environment', () => {
    const variable = fc.oneof(
      fc.constantFrom(...keys.flatMap(({ env }) => env ?? [])),
      anyText.map((text) => `SLUICE_${text}`),
      anyText,
    );
    const env = fc.dictionary(variable, fc.oneof(anyText, fc.constantFrom('1', '0.5', 'false', '')), { maxKeys: 6 });
    fc.assert(
      fc.property(env, (given) => void tryLoad('', given)),
      { numRuns: 300 },
    );
  });

  it('never takes a number that was none', () => {
    const notNumber = anyText.filter((text) => !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text));
    fc.assert(
      fc.property(notNumber, (text) => {
        expect(tryLoad('', { SLUICE_VERIFY__THREADS: text })).toBe('refused');
      }),
    );
  });
});

describe('endpoints', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  it('round-trip', () => {
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
        const endpoint = { host: name, port };
        expect(parseHostPort(formatHostPort(endpoint))).toEqual(endpoint);
      }),
    );
  });

  it.each([
    '',
    ':',
    ':1',
    'h:',
    'h:01',
    'h:+1',
    'h:1 ',
    ' h:1',
    'h :1',
    '::1:1',
    '[::1]',
    '[::1]1',
    '[h]:1',
    '[fe80::1%1]:1',
    '1.2.3:4',
    '-h:1',
    'h..i:1',
    'h:1:2',
    '*:1',
    'h:1\n',
  ])('refuse %j', (text) => expect(parseHostPort(text)).toBeUndefined());

  it('collide if one port is configured twice', () => {
    const at = (text: string) => parseHostPort(text) ?? expect.unreachable();
    expect(collide(at('127.0.0.1:1'), at('127.0.0.1:1'))).toBe(true);
    expect(collide(at('127.0.0.1:1'), at('[::]:1'))).toBe(true);
    expect(collide(at('127.0.0.1:1'), at('127.0.0.2:1'))).toBe(false);
    expect(collide(at('127.0.0.1:0'), at('127.0.0.1:0'))).toBe(false);
  });

  it.each([
    '',
    'h',
    'http:h',
    'http://',
    'http:///p',
    'http://h?q',
    'http://h#f',
    'http://u:%@h',
    'http://h\n',
    ' http://h',
    'file:///x',
    'http://[::1',
  ])('refuse the URL %j', (text) => expect(parseHttpService(text)).toBeUndefined());

  it('never carry credentials on', () => {
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ['http', 'https'] }), fc.string({ minLength: 1 }), (url, password) => {
        const secret = encodeURIComponent(password);
        const service = parseHttpService(url.replace('://', `://user:${secret}@`));
        expect(service).toMatchObject({ username: 'user', password });
        expect(new URL(service?.url ?? '')).toMatchObject({ username: '', password: '' });
      }),
    );
  });
});

describe('near misses', () => {
  it.each([
    ['', '', 0],
    ['tcp', 'tpc', 1],
    ['tcp', 'tc', 1],
    ['tcp', 'http', 2],
    ['kitten', 'sitting', 3],
  ])('%s and %s are %i apart', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });

  it('name nothing if no key is near', () => {
    expect(nearest('zzzzzz', ['tcp', 'websocket'])).toBeUndefined();
    expect(nearest('x'.repeat(1e6), ['x'.repeat(1e6)])).toBeUndefined();
  });
});
