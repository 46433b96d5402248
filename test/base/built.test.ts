import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { builtFile, nodeFlags } from '#base/built';

const { scripts, bin, version } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  scripts: Record<string, string>;
  bin: Record<string, string>;
  version: string;
};

it('Node is started with the same flags whichever way the pool is', () => {
  const flags = nodeFlags.join(' ');
  expect(scripts['start']).toBe(`node ${flags} ${bin['sluice']} start`);
  expect(readFileSync(builtFile('cli/main.ts'), 'utf8').split('\n')[0]).toBe(`#!/usr/bin/env -S node ${flags}`);
  // Node knows them: one that it does not know ends it.
  expect(execFileSync(process.execPath, [...nodeFlags, '-p', '1'], { encoding: 'utf8' })).toBe('1\n');
});

// npx makes it so only when it links the folder for the first time: a later build or clone in the same place is not linked again.
it('the command is a program that can be run as it is built', () => {
  expect(execFileSync(builtFile('cli/main.ts'), ['--version'], { encoding: 'utf8' })).toBe(`${version}\n`);
});
