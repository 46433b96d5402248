import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '#cli/io';
import { run } from '#cli/program';
import { removeFolder } from '../support/remove-folder.ts';
import { FakeIo } from './harness.ts';

interface Result {
  readonly ok: boolean;
  readonly blocks: number;
  readonly figures: readonly {
    readonly name: string;
    readonly theory: number;
    readonly measured: number;
    readonly ok: boolean;
  }[];
  readonly reserves: readonly { readonly scheme: string; readonly reserveSats: string }[];
}

async function simulate(args: readonly string[], isTTY = false) {
  const io = new FakeIo({}, isTTY);
  const code = await run(['simulate', 'rewards', ...args], io);
  return { code, out: io.out, err: io.err };
}

describe('sluice simulate rewards', () => {
  it('finds every scheme as theory says, the same with the same seed', async () => {
    const args = ['--blocks', '4000', '--seed', '11', '--json'];
    const { code, out, err } = await simulate(args);
    const result = JSON.parse(out) as Result;
    expect(result.figures.filter(({ ok }) => !ok)).toEqual([]);
    expect([code, result.ok, result.blocks, err]).toEqual([exitCodes.fine, true, 4000, '']);
    const measured = (name: string): number =>
      result.figures.find((figure) => figure.name === name)?.measured ?? Number.NaN;
    expect(Math.abs(measured('pplns.hopper'))).toBeLessThan(0.01);
    expect(measured('prop.hopper')).toBeGreaterThan(0.24);
    expect(measured('prop.hopper')).toBeLessThan(0.32);
    expect(measured('pplns.variance.slice')).toBeLessThan(0.2);
    expect(measured('prop.variance.slice')).toBeGreaterThan(2.5);
    expect(result.reserves.map(({ scheme, reserveSats }) => [scheme, reserveSats])).toEqual([
      ['pps', '21586735247'],
      ['fpps', '22666072010'],
    ]);
    expect((await simulate(args)).out).toBe(out);
  });

  it('shows a bar on a terminal, a table, and a picture if asked', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-simulate-'));
    const file = join(folder, 'rewards.svg');
    const { out, err } = await simulate(['--blocks', '1000', '--plot', file], true);
    expect(err).toMatch(/█+░+ pplns, prop and solo/);
    expect(err.endsWith('\r\u001b[K')).toBe(true);
    expect(out).toContain('prop: gain of a hopper that leaves at 43.5 % of a block');
    expect(out).toContain('the operator needs 215.87 BTC');
    const picture = readFileSync(file, 'utf8');
    expect(picture).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(picture).not.toMatch(/NaN|Infinity|undefined/);
    await removeFolder(folder);
  });

  it('names invalid options', async () => {
    expect((await simulate(['--blocks', '10'])).code).toBe(exitCodes.usage);
    const { code, err } = await simulate(['--blocks', '1000', '--plot', '/nowhere/at/all.svg']);
    expect(code).toBe(exitCodes.failed);
    expect(err).toContain('/nowhere/at/all.svg can not be written');
  });
});
