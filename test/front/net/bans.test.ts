import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ban } from '#base/domain/ports';
import { BAN_FILE, BanFileError, readBanFile, writeBanFile } from '#front/net/door/ban-file';
import { openBanStore } from '#front/net/door/ban-store';
import { BAN_STEPS_MS, type BanOptions, Bans } from '#front/net/door/bans';
import { ranges } from '#front/net/door/door-options';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { ManualClock } from './manual-clock.ts';

const options: BanOptions = { enabled: true, allow: [], deny: [], entriesMax: 100 };
const DAY_MS = 86_400_000;

function setup(changes: Partial<BanOptions> = {}) {
  const clock = new ManualClock();
  const begun: string[] = [];
  let changed = 0;
  const bans = new Bans(
    { ...options, ...changes },
    {
      clock,
      changed: () => {
        changed += 1;
      },
      banned: (ban) => begun.push(ban.address),
    },
  );
  return { clock, bans, begun, changed: () => changed };
}

describe('bans', () => {
  it('grow longer each time, run out by themselves and are forgotten', () => {
    const { clock, bans, begun } = setup();
    const lengths: number[] = [];
    for (let time = 1; time <= 5; time += 1) {
      const ban = bans.punish('192.0.2.1', 'bad shares');
      expect(ban).toMatchObject({ address: '192.0.2.1', reason: 'bad shares', times: time });
      const lengthMs = (ban?.untilMs ?? 0) - clock.nowMs();
      lengths.push(lengthMs);
      expect(bans.punish('192.0.2.1', 'again')).toBeUndefined();
      clock.advance(lengthMs - 1);
      expect(bans.refuses('192.0.2.1')).toBe(true);
      clock.advance(1);
      expect(bans.refuses('192.0.2.1')).toBe(false);
      expect(bans.list()).toEqual([]);
    }
    expect(lengths).toEqual([...BAN_STEPS_MS, DAY_MS]);
    expect(begun).toHaveLength(5);
    clock.advance(DAY_MS);
    bans.sweep();
    expect(bans.records()).toEqual([]);
    expect(bans.punish('192.0.2.1', 'bad shares')?.times).toBe(1);
  });

  it('that are brief last a minute each time, and do not lengthen the next one', () => {
    const { clock, bans } = setup();
    for (let time = 0; time < 5; time += 1) {
      expect(bans.punish('192.0.2.1', 'another protocol', true)?.untilMs).toBe(clock.nowMs() + 60_000);
      clock.advance(60_000);
    }
    expect(bans.punish('192.0.2.1', 'bad shares')).toMatchObject({ times: 2, untilMs: clock.nowMs() + 600_000 });
  });

  it('of another process hold, without a second report', () => {
    const { clock, bans, begun, changed } = setup();
    const ban = { reason: 'x', sinceMs: clock.nowMs(), untilMs: clock.nowMs() + 60_000, times: 1 };
    bans.hear({ ...ban, address: '192.0.2.1' });
    bans.hear({ ...ban, address: '198.51.100.0/24' });
    expect(['192.0.2.1', '198.51.100.7', '192.0.2.2'].map((address) => bans.refuses(address))).toEqual([
      true,
      true,
      false,
    ]);
    expect([begun, changed()]).toEqual([[], 0]);
  });

  it('are about an IPv4 address, or a whole IPv6 /64', () => {
    const { bans } = setup();
    bans.punish('192.0.2.1', 'x');
    bans.punish('2001:db8:1:2::3', 'x');
    expect(bans.refuses('192.0.2.2')).toBe(false);
    expect(bans.refuses('2001:db8:1:2:ffff::')).toBe(true);
    expect(bans.refuses('2001:db8:1:3::')).toBe(false);
    expect(bans.list().map(({ address }) => address)).toEqual(['192.0.2.1', '2001:db8:1:2::/64']);
  });

  it('by operators hold for ranges too, and can be lifted', () => {
    const { bans, clock, begun } = setup({ enabled: false });
    expect(bans.punish('192.0.2.1', 'not enabled')).toBeUndefined();
    expect(bans.add('198.51.100.7/24', 60_000, 'spam')).toMatchObject({ address: '198.51.100.0/24' });
    expect(bans.add('2001:db8::1', 60_000, 'spam')).toMatchObject({ address: '2001:db8::/64' });
    expect(bans.refuses('198.51.100.200')).toBe(true);
    expect(bans.refuses('198.51.101.1')).toBe(false);
    expect(bans.lift('198.51.100.0/25')).toBe(false);
    expect(bans.lift('198.51.100.99/24')).toBe(true);
    expect(bans.lift('198.51.100.0/24')).toBe(false);
    expect(bans.refuses('198.51.100.200')).toBe(false);
    clock.advance(60_000);
    expect(bans.lift('2001:db8::1')).toBe(false);
    expect(begun).toEqual(['198.51.100.0/24', '2001:db8::/64']);
  });

  it.each([
    ['nonsense', 1000],
    ['', 1000],
    ['192.0.2.1', 0],
    ['192.0.2.1', Number.NaN],
    ['192.0.2.1', Number.POSITIVE_INFINITY],
    ['10.0.0.1', 1000],
  ])('of %j for %d ms are refused with a reason', (address, durationMs) => {
    const { bans, changed } = setup({ allow: ranges(['10.0.0.0/8']) });
    expect(bans.add(address, durationMs, 'x')).toEqual({ error: expect.any(String) });
    expect(changed()).toBe(0);
  });

  it('never hit allowed addresses, and always denied ones', () => {
    const { bans } = setup({ allow: ranges(['10.0.0.1']), deny: ranges(['10.0.0.0/8', '192.0.2.1']) });
    expect(bans.refuses('10.0.0.1')).toBe(false);
    expect(bans.refuses('10.0.0.2')).toBe(true);
    expect(bans.refuses('192.0.2.1')).toBe(true);
    expect(bans.punish('10.0.0.1', 'x')).toBeUndefined();
    expect(bans.list()).toEqual([]);
  });

  it('are bounded: the oldest goes', () => {
    const { bans } = setup({ entriesMax: 3 });
    for (let i = 1; i <= 5; i += 1) bans.punish(`192.0.2.${i}`, 'x');
    expect(bans.records().map(({ address }) => address)).toEqual(['192.0.2.3', '192.0.2.4', '192.0.2.5']);
    expect(bans.refuses('192.0.2.1')).toBe(false);
  });

  it('say nothing that harms a terminal', () => {
    const { bans } = setup();
    expect(bans.add('192.0.2.1', 1000, `a\u001b[31m\nb${'c'.repeat(500)}`)).toMatchObject({
      reason: expect.stringMatching(/^a \[31m bc{1,128}$/),
    });
  });
});

describe('the file of bans', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-bans-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = (clock: ManualClock, entriesMax = 100) =>
    openBanStore({ ...options, entriesMax, folder }, { clock, logger: recordedLogger(), banned: () => undefined });

  it('keeps bans and their lengths over a restart', async () => {
    const clock = new ManualClock();
    const first = open(clock);
    first.bans.punish('192.0.2.1', 'bad shares');
    clock.advance(BAN_STEPS_MS[0] ?? 0);
    first.bans.punish('192.0.2.1', 'bad shares');
    first.bans.add('198.51.100.0/24', 1000, 'by hand');
    await Promise.all([first.close(), first.close()]);
    const second = open(clock);
    expect(second.bans.records()).toEqual(first.bans.records());
    expect(second.bans.refuses('198.51.100.9')).toBe(true);
    clock.advance(BAN_STEPS_MS[1] ?? 0);
    expect(second.bans.punish('192.0.2.1', 'bad shares')?.times).toBe(3);
    await second.close();
    expect(readdirSync(folder)).toEqual([BAN_FILE]);
  });

  it.each([0, 1, 512, 513, 2000])('is written in slices that are read as one: %d bans', async (count) => {
    const bans = Array.from({ length: count }, (_, at): Ban => {
      const address = `10.0.${at >>> 8}.${at & 255}`;
      return { address, reason: 'a "reason"', sinceMs: at, untilMs: at + 1, times: 1 };
    });
    await writeBanFile(folder, bans);
    expect(readBanFile(folder)).toEqual(bans);
  });

  it('is not written if nothing has changed', async () => {
    const store = open(new ManualClock());
    store.bans.refuses('192.0.2.1');
    await store.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  const ban: Ban = { address: '192.0.2.1', reason: 'x', sinceMs: 1, untilMs: 2, times: 1 };
  it.each([
    '',
    '{',
    '[]',
    'null',
    '{"format":2,"bans":[]}',
    '{"format":1,"bans":{}}',
    '{"format":1,"bans":[null]}',
    ...[{ address: 'x' }, { reason: 1 }, { untilMs: '2' }, { untilMs: -1 }, { times: 0 }, { times: 1.5 }].map(
      (change) => JSON.stringify({ format: 1, bans: [ban, { ...ban, ...change }] }),
    ),
  ])('that is damaged is a clear error: %s', (text) => {
    writeFileSync(join(folder, BAN_FILE), text);
    expect(() => readBanFile(folder)).toThrow(BanFileError);
    expect(() => readBanFile(folder)).toThrow(/bans\.json is damaged .*: repair it, or remove it/);
    // Nothing is lost of it.
    expect(readFileSync(join(folder, BAN_FILE), 'utf8')).toBe(text);
  });

  it('that can not be written is said once, and the bans hold', async () => {
    const clock = new ManualClock();
    const logger = recordedLogger();
    const gone = join(folder, 'gone');
    const store = openBanStore({ ...options, folder: gone }, { clock, logger, banned: () => undefined });
    store.bans.punish('192.0.2.1', 'x');
    await store.close();
    expect(store.bans.refuses('192.0.2.1')).toBe(true);
    expect(JSON.stringify(logger)).toContain('can not be written');
  });
});
