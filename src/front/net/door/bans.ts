import { hostOf, type IpRange, inAnyRange, inRange, parseIp, parseRange } from '#base/domain/ip';
import type { Ban, BanControl, Clock } from '#base/domain/ports';
import { spacedText } from '#base/std/text';

const MINUTE_MS = 60_000;
/** How long the first ban lasts, the second, and so on; the last for all after it. */
export const BAN_STEPS_MS: readonly number[] = [MINUTE_MS, 10 * MINUTE_MS, 60 * MINUTE_MS, 1440 * MINUTE_MS];
/** A ban counts for the next one's length until this long after its end. */
const REMEMBERED_MS = 1440 * MINUTE_MS;
/** Ranges wider than one customer are searched linearly; only operators add them. */
const RANGES_MAX = 1024;
export const BAN_DURATION_MS_MAX = 3650 * 1440 * MINUTE_MS;
const REASON_CHARS_MAX = 128;

export interface BanOptions {
  /** False: only operators' bans hold, no address is banned for conduct. */
  readonly enabled: boolean;
  /** Never refused, whatever else is said of them. */
  readonly allow: readonly IpRange[];
  /** Always refused. */
  readonly deny: readonly IpRange[];
  /** Bans and records of past ones. */
  readonly entriesMax: number;
}

export interface BanModules {
  readonly clock: Pick<Clock, 'nowMs'>;
  /** The result of `records` has changed: a ban began or ended, or its record was deleted. */
  readonly changed: () => void;
  /** A ban began: the caller closes the connections that it covers. */
  readonly banned: (ban: Ban) => void;
}

/**
 * Banned addresses and ranges. Bans for conduct get longer each time; operators can add bans. A ban ends by itself. Its record
 * is kept for a day, so that the next ban is longer.
 */
export class Bans implements BanControl {
  readonly #options: BanOptions;
  readonly #modules: BanModules;
  /** By address, in force or past; in the order of their beginning. */
  readonly #bans = new Map<string, Ban>();
  /** Those of `#bans` that are wider than one customer. */
  #ranges: { readonly range: IpRange; readonly ban: Ban }[] = [];

  constructor(options: BanOptions, modules: BanModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** Bans in force, and records of past ones. */
  get size(): number {
    return this.#bans.size;
  }

  /** True for an address that no ban and no limit touches. */
  allows(address: string): boolean {
    return inAnyRange(this.#options.allow, address);
  }

  /** True if this address is refused. */
  refuses(address: string): boolean {
    const { deny } = this.#options;
    if (this.#bans.size === 0 && deny.length === 0) return false;
    if (this.allows(address)) return false;
    if (inAnyRange(deny, address)) return true;
    const nowMs = this.#modules.clock.nowMs();
    if ((this.#bans.get(hostOf(address))?.untilMs ?? 0) > nowMs) return true;
    if (this.#ranges.length === 0) return false;
    const bytes = parseIp(address);
    return bytes !== undefined && this.#ranges.some(({ range, ban }) => ban.untilMs > nowMs && inRange(range, bytes));
  }

  /**
   * Bans an address for its conduct; returns undefined if it is already banned, or may not be. Bans for what came before a login
   * (`brief`) stay short, so that a client is served a minute after its wrong setting is corrected.
   */
  punish(address: string, reason: string, brief = false): Ban | undefined {
    if (!this.#options.enabled || parseIp(address) === undefined || this.allows(address) || this.refuses(address)) {
      return undefined;
    }
    const key = hostOf(address);
    const nowMs = this.#modules.clock.nowMs();
    const before = this.#bans.get(key);
    const timesBefore = before !== undefined && nowMs - before.untilMs < REMEMBERED_MS ? before.times : 0;
    const times = brief ? Math.max(1, timesBefore) : timesBefore + 1;
    const step = brief ? 0 : Math.min(times, BAN_STEPS_MS.length) - 1;
    const lengthMs = BAN_STEPS_MS[step] ?? MINUTE_MS;
    return this.#begin({ address: key, reason, sinceMs: nowMs, untilMs: nowMs + lengthMs, times });
  }

  add(address: string, durationMs: number, reason: string): Ban | { readonly error: string } {
    const key = banKey(address);
    if (key === undefined) return { error: 'that is no IP address, and no range such as 203.0.113.0/24' };
    if (!(durationMs > 0 && durationMs <= BAN_DURATION_MS_MAX)) return { error: 'a ban lasts up to ten years' };
    if (this.allows(address)) return { error: `${key.text} is on the allow list (stratum.bans.allow)` };
    if (key.wide !== undefined && this.#ranges.length >= RANGES_MAX && !this.#bans.has(key.text)) {
      return { error: `there are ${RANGES_MAX} banned ranges already; the config's stratum.bans.deny takes more` };
    }
    const nowMs = this.#modules.clock.nowMs();
    const times = this.#bans.get(key.text)?.times ?? 1;
    // Shown on terminals and in logs.
    const plain = spacedText(reason, REASON_CHARS_MAX);
    return this.#begin({ address: key.text, reason: plain, sinceMs: nowMs, untilMs: nowMs + durationMs, times });
  }

  lift(address: string): boolean {
    const key = banKey(address)?.text ?? '';
    const ban = this.#bans.get(key);
    if (ban === undefined || ban.untilMs <= this.#modules.clock.nowMs()) return false;
    this.#forget(key);
    this.#modules.changed();
    return true;
  }

  list(): readonly Ban[] {
    const nowMs = this.#modules.clock.nowMs();
    return [...this.#bans.values()].filter((ban) => ban.untilMs > nowMs);
  }

  /** Everything that a restart must not forget. */
  records(): readonly Ban[] {
    return [...this.#bans.values()];
  }

  /** Adds a ban that began in another process, without calling the listeners. */
  hear(ban: Ban): void {
    this.#put(ban);
  }

  /** Restores the result of `records`, without calling the listeners. */
  restore(records: readonly Ban[]): void {
    for (const ban of records) this.#put(ban);
    this.sweep();
  }

  /** Deletes records of bans that ended long ago. To be called now and then. */
  sweep(): void {
    const oldestMs = this.#modules.clock.nowMs() - REMEMBERED_MS;
    let forgotten = false;
    for (const { address, untilMs } of this.#bans.values()) {
      if (untilMs > oldestMs) continue;
      this.#forget(address);
      forgotten = true;
    }
    if (forgotten) this.#modules.changed();
  }

  #begin(ban: Ban): Ban {
    this.#put(ban);
    this.#modules.changed();
    this.#modules.banned(ban);
    return ban;
  }

  #put(ban: Ban): void {
    this.#forget(ban.address);
    // The table is full: the oldest ban is dropped. An attacker with this many addresses can return anyway.
    if (this.#bans.size >= this.#options.entriesMax) this.#forget(this.#bans.keys().next().value ?? '');
    this.#bans.set(ban.address, ban);
    const wide = banKey(ban.address)?.wide;
    if (wide !== undefined) this.#ranges.push({ range: wide, ban });
  }

  #forget(address: string): void {
    if (!this.#bans.delete(address) || this.#ranges.length === 0) return;
    this.#ranges = this.#ranges.filter(({ ban }) => ban.address !== address);
  }
}

/** The range that a ban covers; undefined if the ban covers one customer, whose key is the ban's address as `hostOf` gives it. */
export function wideRange(address: string): IpRange | undefined {
  return banKey(address)?.wide;
}

/** The key of a ban of this address or range; `wide` is set if the ban covers more than one customer. */
function banKey(address: string): { readonly text: string; readonly wide: IpRange | undefined } | undefined {
  const range = parseRange(address);
  if (range === undefined) return undefined;
  const hostBits = range.bytes.length === 4 ? 32 : 64;
  if (range.bits < hostBits) return { text: range.text, wide: range };
  return { text: hostOf(range.text.replace(/\/.*/, '')), wide: undefined };
}
