import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const src = fileURLToPath(new URL('../src/', import.meta.url));

/** The groups from the bottom up, and what the rooms of each may import: groups, or single rooms of them. */
const groups: Readonly<Record<string, readonly string[]>> = {
  base: [],
  work: ['base'],
  front: ['base'],
  shares: ['base'],
  books: ['base', 'shares/sharelog'],
  audit: ['base', 'shares', 'books'],
  show: ['base', 'books'],
  backup: ['base', 'shares', 'books', 'show'],
  gateway: ['base', 'work', 'front', 'shares'],
  cluster: ['base', 'work', 'front', 'shares', 'gateway'],
  pool: ['base', 'work', 'front', 'shares', 'books', 'show', 'gateway', 'cluster'],
  miner: ['base', 'shares/kernel'],
  cli: ['base', 'work', 'front', 'shares', 'books', 'show', 'gateway', 'cluster', 'pool', 'miner', 'audit', 'backup'],
};

/** The rooms, and what each imports beside itself: no more than its group may, and nothing that it does not use. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'base/limits': [],
  'base/built': [],
  'base/uws': [],
  'base/domain': [],
  // Ports and shared words alone.
  'base/std': ['base/domain'],
  'base/bitcoin': [],
  'base/config': ['base/limits', 'base/domain', 'base/std', 'base/bitcoin'],
  'base/telemetry': ['base/domain', 'base/std', 'base/bitcoin'],
  'work/node': ['base/limits', 'base/built', 'base/domain', 'base/std', 'base/bitcoin'],
  'work/jobs': ['base/limits', 'base/domain', 'base/bitcoin'],
  'front/net': ['base/limits', 'base/uws', 'base/domain', 'base/std', 'base/config', 'base/telemetry'],
  'front/session': ['base/limits', 'base/domain', 'base/std', 'base/bitcoin', 'base/telemetry'],
  'front/stratum/v1': ['base/limits', 'base/domain', 'base/std', 'base/bitcoin', 'front/session'],
  'shares/kernel': ['base/limits', 'base/built'],
  'shares/verify': ['base/built', 'base/domain', 'base/std', 'base/bitcoin', 'shares/kernel'],
  'shares/sharelog': ['base/limits', 'base/domain', 'base/std', 'base/bitcoin'],
  // What the ledger has is copied into tables; it is only read.
  'books/analytics': ['base/limits', 'base/built', 'base/domain', 'base/std', 'shares/sharelog', 'books/ledger'],
  'books/ledger': ['base/limits', 'base/built', 'base/domain', 'base/std', 'base/bitcoin', 'shares/sharelog'],
  audit: [
    ...['base/limits', 'base/domain', 'base/bitcoin'],
    ...['shares/kernel', 'shares/verify', 'shares/sharelog', 'books/analytics', 'books/ledger'],
  ],
  backup: [
    ...['base/limits', 'base/std', 'base/bitcoin'],
    ...['shares/sharelog', 'books/analytics', 'books/ledger', 'show/api'],
  ],
  'show/api': ['base/limits', 'base/built', 'base/domain', 'base/std', 'base/telemetry', 'books/analytics'],
  gateway: [
    ...['base/limits', 'base/domain', 'base/std', 'base/bitcoin', 'base/config', 'base/telemetry'],
    ...['work/jobs', 'front/net', 'front/session', 'front/stratum/v1'],
    ...['shares/kernel', 'shares/verify', 'shares/sharelog'],
  ],
  cluster: [
    ...['base/built', 'base/domain', 'base/std', 'base/bitcoin', 'base/config', 'base/telemetry'],
    ...['front/net', 'front/session', 'shares/kernel', 'shares/sharelog', 'gateway'],
  ],
  pool: [
    ...['base/limits', 'base/domain', 'base/std', 'base/bitcoin', 'base/config', 'base/telemetry'],
    ...['work/node', 'work/jobs'],
    ...[
      'front/net',
      'shares/kernel',
      'shares/verify',
      'shares/sharelog',
      'books/analytics',
      'books/ledger',
      'show/api',
    ],
    ...['gateway', 'cluster'],
  ],
  miner: ['base/limits', 'base/built', 'base/domain', 'base/std', 'base/bitcoin', 'shares/kernel'],
  cli: [
    ...['base/limits', 'base/built', 'base/domain', 'base/std', 'base/config', 'base/telemetry'],
    ...['front/net', 'front/session'],
    ...['shares/sharelog', 'books/analytics', 'books/ledger', 'show/api', 'pool', 'miner', 'audit', 'backup'],
  ],
};

/** The roots: files that are run or loaded by name, so nothing imports them. */
const entries = [/^cli\/main\.ts$/, /(^|\/)[a-z-]*(worker|child)\.ts$/];

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));

/** A room's name is the longest in the table that the file's path begins with. */
function room(file: string): string {
  const path = file.replace(/\.tsx?$/, '');
  const found = Object.keys(rooms).filter((name) => path === name || path.startsWith(`${name}/`));
  return found.sort((a, b) => b.length - a.length)[0] ?? `no room: ${file}`;
}

interface Import {
  readonly target: string;
  readonly byName: boolean;
}

/** Imports of the project's own files: by name (`#base/domain/job`) or by path (`./job.ts`). */
function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(src, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([.#][^']+)'/g)].map(([, target = '']) =>
    target.startsWith('#')
      ? { target: `${target.slice(1)}.ts`, byName: true }
      : { target: relative(src, join(src, dirname(file), target)), byName: false },
  );
}
const imports = new Map(files.map((file) => [file, importsOf(file)] as const));

describe('the rooms of src/', () => {
  it('are read with their imports', () => {
    expect(files.length).toBeGreaterThan(5);
    expect([...imports.values()].flat().length).toBeGreaterThan(3);
  });

  it.each(Object.entries(rooms))('%s has permissions that its group may have', (name, permissions) => {
    const group = name.split('/')[0] ?? '';
    for (const permission of permissions) {
      const allowed = [group, ...(groups[group] ?? [])];
      expect(
        allowed.some((above) => permission === above || permission.startsWith(`${above}/`)),
        `${name} has ${permission}`,
      ).toBe(true);
    }
  });

  it.each(files)('%s imports only what its room may', (file) => {
    const allowed = rooms[room(file)];
    expect(allowed, `${file} is in no room of the table`).toBeDefined();
    for (const { target } of imports.get(file) ?? []) {
      expect(files, `${file} imports ${target}`).toContain(target);
      if (room(target) !== room(file)) expect(allowed, `${file} imports ${target}`).toContain(room(target));
    }
  });

  it.each(files)('%s imports its own room by path and others by name', (file) => {
    for (const { target, byName } of imports.get(file) ?? []) {
      expect(byName, `${file} imports ${target}`).toBe(room(target) !== room(file));
    }
  });

  it.each(Object.keys(rooms))('%s uses each of its permissions', (name) => {
    const own = files.filter((file) => room(file) === name);
    const used = new Set(own.flatMap((file) => imports.get(file) ?? []).map(({ target }) => room(target)));
    expect(rooms[name]?.filter((permission) => !used.has(permission))).toEqual([]);
    expect(own.length, `${name} has files`).toBeGreaterThan(0);
  });

  it('have no cycle', () => {
    const state = new Map<string, 'open' | 'done'>();
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === 'done') return;
      expect(state.get(file), `cycle: ${[...path, file].join(' → ')}`).not.toBe('open');
      state.set(file, 'open');
      for (const { target } of imports.get(file) ?? []) visit(target, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of files) visit(file, []);
  });

  it('have no file that nothing uses', () => {
    const used = new Set([...imports.values()].flat().map(({ target }) => target));
    const dead = files.filter((file) => !used.has(file) && !entries.some((entry) => entry.test(file)));
    expect(dead).toEqual([]);
  });
});
