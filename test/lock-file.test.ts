import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
}

const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
const { packages } = JSON.parse(text) as { readonly packages: Readonly<Record<string, Entry>> };
const installed = Object.entries(packages).filter(
  ([path, { resolved }]) => path !== '' && !resolved?.startsWith('file:'),
);

/**
 * Binaries of other systems, which the registry that this file was locked with does not carry: their hashes are not known.
 * npm asks for an entry of each, and installs none of them on Linux x64.
 */
const ELSEWHERE =
  /^node_modules\/(@chdb\/lib-(darwin-(arm64|x64)|linux-arm64-gnu)|@uwsjs\/(darwin-(arm64|x64)|linux-arm|linux-arm64|win32-x64)-(18|20|22|23))$/;

describe('the lock file', () => {
  it('has the hash of every package, but for binaries of systems that it could not be locked on', () => {
    const without = installed.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''));
    for (const [path, { optional }] of without) {
      expect(path).toMatch(ELSEWHERE);
      expect(optional, path).toBe(true);
    }
    expect(without.length).toBeLessThanOrEqual(23);
  });

  it('names no host: a package comes from the registry that is configured', () => {
    expect(text).not.toMatch(/https?:\/\/[^"]*\.tgz/);
    expect(installed.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });
});
