import { readdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolderSync } from '#base/std/sync-folder';
import type { Deliveries } from '../consumers/deliveries.ts';
import type { ShareLogModules, ShareLogOptions, ShareLogStatus } from '../share-log.ts';
import { type Journal, openJournal } from './journal.ts';
import { journalLock, listJournals } from './journals.ts';

export interface OrphansOptions extends ShareLogOptions {
  /** The journals that a process appends to. */
  readonly owned: readonly string[];
}

export interface OrphansModules extends ShareLogModules {
  readonly deliveries: Deliveries;
}

/** A journal that is being removed: it has no such name any more, and may be there in part. */
const GONE = '.gone';
const GONE_NAME = /^sharelog-[1-9][0-9]*\.gone$/;
/** Its gateway, of a pool that was killed, may take so long to end. */
const LOCK_MS_MAX = 5_000;

/**
 * Takes the journals that gateways have left which are not started any more: each is kept until every consumer has all
 * of it, and removed then. Without consumers all of them stay.
 */
export async function openOrphans(options: OrphansOptions, modules: OrphansModules): Promise<Orphans> {
  const { folder, owned, consumers } = options;
  for (const name of readdirSync(folder)) {
    if (GONE_NAME.test(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
  const orphans = new Orphans(options, modules);
  if (consumers.length === 0) return orphans;
  try {
    for (const journal of listJournals(folder).filter((name) => !owned.includes(name))) await orphans.adopt(journal);
  } catch (error) {
    await orphans.close();
    throw error;
  }
  return orphans;
}

/** A journal that was left, and the last batch that its gateway wrote. Behind that batch are marks only. */
interface Left {
  readonly journal: Journal;
  readonly lastSeq: number;
}

export class Orphans {
  readonly #options: OrphansOptions;
  readonly #modules: OrphansModules;
  readonly #journals = new Map<string, Left>();
  readonly #removals = new Set<Promise<void>>();

  constructor(options: OrphansOptions, modules: OrphansModules) {
    this.#options = options;
    this.#modules = modules;
  }

  async adopt(name: string): Promise<void> {
    const journal = await openJournal(
      { ...this.#options, journal: name, lockMsMax: LOCK_MS_MAX, appends: false },
      this.#modules,
    );
    const left = { journal, lastSeq: journal.lastSeq };
    this.#journals.set(name, left);
    this.#modules.deliveries.listen(name, (consumer, seq) => {
      journal.confirm(consumer, seq);
      this.#removeIfDone(name, left);
    });
    this.#removeIfDone(name, left);
  }

  /** By name of the journals that are kept: the last batch that a consumer must have before the journal is removed. */
  get ends(): Map<string, number> {
    return new Map([...this.#journals].map(([name, { lastSeq }]) => [name, lastSeq]));
  }

  /** Marks in each journal that it has no accepted share of a job with this serial number or less behind here. */
  closed(serial: number): void {
    for (const { journal } of this.#journals.values()) {
      journal.closed(serial);
      journal.commit(() => {});
    }
  }

  statuses(): ShareLogStatus[] {
    return [...this.#journals.values()].map(({ journal }) => journal.status());
  }

  async close(): Promise<void> {
    await Promise.all([...this.#journals.values()].map(({ journal }) => journal.close()));
    await Promise.all(this.#removals);
  }

  #removeIfDone(name: string, { journal, lastSeq }: Left): void {
    if (journal.confirmedSeq < lastSeq || !this.#journals.delete(name)) return;
    const removal = this.#remove(name, journal)
      .catch((err: unknown) => this.#modules.logger.warn({ err, journal: name }, 'a journal can not be removed'))
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  async #remove(name: string, journal: Journal): Promise<void> {
    const { folder } = this.#options;
    await journal.close();
    this.#modules.deliveries.forget(name);
    const gone = join(folder, `${name}${GONE}`);
    renameSync(join(folder, name), gone);
    syncFolderSync(folder);
    await rm(gone, { recursive: true });
    await rm(journalLock(folder, name), { force: true });
    this.#modules.logger.info({ journal: name }, 'the journal of a former gateway was delivered and removed');
  }
}
