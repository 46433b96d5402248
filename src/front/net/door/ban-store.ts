import type { Ban, Clock, Logger } from '#base/domain/ports';
import { readBanFile, writeBanFile } from './ban-file.ts';
import { type BanOptions, Bans } from './bans.ts';

export interface BanStoreOptions extends BanOptions {
  /** The data folder. */
  readonly folder: string;
}

export interface BanStoreModules {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
  readonly banned: (ban: Ban) => void;
}

/** Changes within this time are written together. With many bans the time is longer, because each write has all bans. */
const WRITE_MS = 1000;
const WRITE_MS_PER_BAN = 0.25;
const SWEEP_MS = 60_000;

/** The bans of a running pool, kept in its data folder. */
export interface BanStore {
  readonly bans: Bans;
  /** Writes what is not written yet. Safe to call twice. */
  close(): Promise<void>;
}

/** Throws BanFileError if the file is damaged. A failed write is logged once; the bans hold in memory. */
export function openBanStore(options: BanStoreOptions, { clock, logger, banned }: BanStoreModules): BanStore {
  const { folder } = options;
  const kept = readBanFile(folder);
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();
  let failing = false;

  const write = (): void => {
    timer = undefined;
    writing = writing.then(async () => {
      try {
        await writeBanFile(folder, bans.records());
        failing = false;
      } catch (err) {
        if (!failing) logger.error({ err }, 'the bans can not be written; they hold until the next start');
        failing = true;
      }
    });
  };
  const changed = (): void => {
    timer ??= setTimeout(write, WRITE_MS + bans.size * WRITE_MS_PER_BAN);
  };
  const bans = new Bans(options, { clock, changed, banned });
  bans.restore(kept);
  const sweeper = setInterval(() => bans.sweep(), SWEEP_MS).unref();

  return {
    bans,
    async close() {
      clearInterval(sweeper);
      if (timer !== undefined) {
        clearTimeout(timer);
        write();
      }
      await writing;
    },
  };
}
