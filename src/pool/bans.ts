import type { Config } from '#base/config/config';
import type { Ban, BanControl, Clock, Logger } from '#base/domain/ports';
import { type BanStore, openBanStore } from '#front/net/door/ban-store';
import { banOptions } from '#front/net/door/door-options';
import type { Running } from './running.ts';

/** The listeners of each ban. */
export interface BanListener {
  ban(ban: Ban): void;
  pardon(address: string): void;
}

/** The bans of the pool, for everything that lets strangers in. */
export class PoolBans implements BanControl {
  readonly #store: BanStore;
  readonly #listeners: BanListener[] = [];

  /** Throws BanFileError if the file of bans is damaged. */
  constructor(config: Config, modules: { readonly clock: Clock; readonly logger: Logger }, running: Running) {
    this.#store = openBanStore(
      { folder: config.data, ...banOptions(config.stratum.bans) },
      {
        ...modules,
        banned: (ban) => {
          for (const listener of this.#listeners) listener.ban(ban);
        },
      },
    );
    running.onClose('the bans', () => this.#store.close());
  }

  /** As gateways need them. */
  get book(): BanStore['bans'] {
    return this.#store.bans;
  }

  /** Tells of every ban from now on. */
  tell(listener: BanListener): void {
    this.#listeners.push(listener);
  }

  list(): readonly Ban[] {
    return this.#store.bans.list();
  }

  add(address: string, durationMs: number, reason: string): Ban | { readonly error: string } {
    return this.#store.bans.add(address, durationMs, reason);
  }

  lift(address: string): boolean {
    const isLifted = this.#store.bans.lift(address);
    if (isLifted) for (const listener of this.#listeners) listener.pardon(address);
    return isLifted;
  }
}
