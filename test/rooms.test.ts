import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const src = fileURLToPath(new URL('../src/', import.meta.url));

/** Every room may also import itself, `domain`, `limits` and `built`; the list says what else. `*` is everything. */
const mayImport: Readonly<Record<string, readonly string[] | '*'>> = {
  domain: [],
  limits: [],
  built: [],
  uws: [],
  bitcoin: [],
  config: ['bitcoin'],
  telemetry: [],
  kernel: [],
  net: ['uws'],
  stratum: ['bitcoin'],
  session: ['stratum', 'bitcoin'],
  node: ['bitcoin'],
  jobs: ['bitcoin'],
  verify: ['kernel', 'bitcoin', 'jobs'],
  sharelog: [],
  ledger: ['sharelog', 'bitcoin'],
  analytics: ['sharelog'],
  api: ['ledger', 'analytics'],
  miner: ['stratum', 'kernel', 'bitcoin'],
  'gateway-status': '*',
  gateway: '*',
  cluster: '*',
  pool: '*',
  cli: '*',
};
/** The roots: files that are run or loaded by name, so nothing imports them. */
const entries = [/^cli\/main\.ts$/, /(^|\/)[a-z-]*(worker|child)\.ts$/];
/** The composition roots, each of which may import those before it, and all other rooms. */
const roots = ['gateway-status', 'gateway', 'cluster', 'pool', 'cli'];

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
const room = (file: string): string => file.split('/')[0]?.replace(/\.tsx?$/, '') ?? '';
const imports = new Map(
  files.map((file) => {
    const text = readFileSync(join(src, file), 'utf8');
    const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
      relative(src, join(src, dirname(file), match[1] ?? '')),
    );
    return [file, targets] as const;
  }),
);

describe('the rooms of src/', () => {
  it('has files to look at, and finds their imports', () => {
    expect(files.length).toBeGreaterThan(5);
    expect([...imports.values()].flat().length).toBeGreaterThan(3);
  });

  it.each(files)('%s imports only from rooms below', (file) => {
    const allowed = mayImport[room(file)];
    expect(allowed, `the room ${room(file)} is not in the table`).toBeDefined();
    for (const target of imports.get(file) ?? []) {
      const to = room(target);
      expect(files, `${file} imports ${target}`).toContain(target);
      if (to === room(file) || (to === 'domain' && room(file) !== 'limits')) continue;
      if ((to === 'limits' || to === 'built') && room(file) !== 'domain') continue;
      if (allowed === '*') {
        const above = roots.slice(roots.indexOf(room(file)) + 1);
        expect(above, `${file} imports ${target}`).not.toContain(to);
      } else {
        expect(allowed, `${file} imports ${target}`).toContain(to);
      }
    }
  });

  it('has no cycle', () => {
    const state = new Map<string, 'open' | 'done'>();
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      expect(state.get(file), `cycle: ${[...path, file].join(' → ')}`).not.toBe('open');
      state.set(file, 'open');
      for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of files) visit(file, []);
  });

  it('has no file that nothing uses', () => {
    const used = new Set([...imports.values()].flat());
    const dead = files.filter((file) => !used.has(file) && !entries.some((entry) => entry.test(file)));
    expect(dead).toEqual([]);
  });
});
