import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { stringify } from 'smol-toml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keys } from '#base/config/keys';
import { loadConfig } from '#base/config/load';
import { ConfigError } from '#base/config/problem';
import { fuzz, fuzzMsMax } from './runs.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const value = fc.oneof(
  fc.constantFrom<unknown>(
    '127.0.0.1:0',
    'regtest',
    'main',
    'accounts',
    'open',
    'bcrt1qy7yl6pjgjct4qgael8e5dp2csn9f9k068fnq9n',
    '',
  ),
  fc.constantFrom<unknown>(true, false, 0, 1, -1, 0.5, 1e15, [], ['10.0.0.0/8'], ['x'], {}, [[]]),
  fc.double(),
  fc.integer(),
  fc.string(),
);
const setting = fc.tuple(fc.constantFrom(...keys), fc.constantFrom('alice', 'b.c', '__proto__', 'x'.repeat(70)), value);

it('a config of known keys with any values is taken, or refused with each problem on a line', {
  timeout: fuzzMsMax,
}, () => {
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(fc.array(setting, { maxLength: 4 }), (settings) => {
      const table: Record<string, unknown> = Object.create(null);
      for (const [{ path }, name, given] of settings)
        put(
          table,
          path.map((part) => (part === '*' ? name : part)),
          given,
        );
      const file = join(folder, 'sluice.toml');
      let toml: string;
      try {
        toml = stringify(table);
      } catch {
        return; // nothing that TOML can say
      }
      writeFileSync(file, toml);
      try {
        expect(Object.isFrozen(loadConfig({ file, env: {} }))).toBe(true);
        outcomes.add('taken');
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        expect(error.message.split('\n')).toHaveLength(error.problems.length + 1);
        outcomes.add('refused');
      }
    }),
    fuzz(400, 10),
  );
  expect(outcomes).toEqual(new Set(['taken', 'refused']));
});

function put(table: Record<string, unknown>, path: readonly string[], given: unknown): void {
  const [first = '', ...rest] = path;
  if (rest.length === 0) {
    table[first] = given;
    return;
  }
  const inner = Object.hasOwn(table, first) ? table[first] : undefined;
  const next: Record<string, unknown> =
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? (inner as Record<string, unknown>)
      : Object.create(null);
  table[first] = next;
  put(next, rest, given);
}
