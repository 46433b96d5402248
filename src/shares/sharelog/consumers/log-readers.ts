import { statSync } from 'node:fs';
import { join } from 'node:path';
import { IDENTITY_FILE, readIdentity } from '../journal/identity.ts';
import { listJournals, POOL_JOURNAL } from '../journal/journals.ts';
import { LogReader } from './log-reader.ts';

interface Known {
  readonly reader: LogReader;
  /** Of its identity, which is written anew each time that the journal is opened, and with each new journal. */
  readonly identity: string;
}

/** A reader for each journal of a data folder, as they come and go. */
export class LogReaders {
  readonly #folder: string;
  readonly #known = new Map<string, Known>();

  /** Throws if the log is one of another version. */
  constructor(folder: string) {
    this.#folder = folder;
    readIdentity(join(folder, POOL_JOURNAL));
  }

  /** Of the journals that are there now, the pool's own first. */
  all(): readonly LogReader[] {
    const names = listJournals(this.#folder);
    for (const [name, { reader }] of this.#known) {
      if (names.includes(name)) continue;
      reader.close();
      this.#known.delete(name);
    }
    return names.flatMap((name) => this.#reader(name) ?? []);
  }

  close(): void {
    for (const { reader } of this.#known.values()) reader.close();
    this.#known.clear();
  }

  /** Undefined for a journal that is being removed. */
  #reader(name: string): LogReader | undefined {
    const status = statSync(join(this.#folder, name, IDENTITY_FILE), { throwIfNoEntry: false });
    if (status === undefined) return undefined;
    const identity = `${status.ino} ${status.mtimeMs}`;
    const known = this.#known.get(name);
    if (known?.identity === identity) return known.reader;
    const now = readIdentity(join(this.#folder, name));
    if (now === undefined) return undefined;
    let reader = known?.reader;
    if (reader?.logId === now.logId) reader.reopened(now);
    else {
      reader?.close();
      reader = new LogReader(this.#folder, name, now);
    }
    this.#known.set(name, { reader, identity });
    return reader;
  }
}
