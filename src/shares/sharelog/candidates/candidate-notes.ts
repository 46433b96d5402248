import { closeSync, ftruncate, openSync, readFileSync, truncateSync, write } from 'node:fs';
import { join } from 'node:path';
import type { BlockHead } from './candidate.ts';
import { parseCandidate, writeCandidate } from './candidate-text.ts';

/** In the data folder: they take notes by turns. */
const FILES = ['candidates-noted-0', 'candidates-noted-1'] as const;
const MODE = 0o600;

/** The notes of one turn. */
interface NoteFile {
  readonly path: string;
  readonly descriptor: number;
  /** What the system is asked to do with it. */
  readonly busy: Set<Promise<void>>;
  used: boolean;
}

/**
 * Names block candidates before the node gets them, so that a process that is killed in the same moment has left what each
 * block's row needs. A note is written and not synced: the system has it when the process is gone. Only a loss of power in the
 * next milliseconds takes it; then the block itself, if it is in the chain, tells the ledger of its job, but not who found it.
 *
 * A turn is what `CandidateStore` brings to the disk at a time. Its notes are of no use when each of its candidates has its own
 * file. The notes that come meanwhile are in the other file, so a file is emptied while nothing is added to it.
 */
export class CandidateNotes {
  /** Notes that an earlier process has left, the oldest first. */
  readonly left: readonly BlockHead[];
  readonly #files: readonly NoteFile[];
  #turn = 0;
  #closed = false;

  /** Throws if the files can not be read or written. */
  constructor(folder: string) {
    this.#files = FILES.map((name) => {
      const path = join(folder, name);
      return { path, descriptor: openSync(path, 'a', MODE), busy: new Set(), used: false };
    });
    this.left = this.#files.flatMap(({ path }) => readFileSync(path, 'utf8').split('\n').flatMap(parsed));
  }

  /** What was left is on the disk in another place. */
  forgetLeft(): void {
    for (const { path } of this.#files) truncateSync(path);
  }

  /** Resolves when the note survives this process, or can not be written. */
  note(head: BlockHead): Promise<void> {
    const file = this.#file(0);
    if (this.#closed) return Promise.resolve();
    file.used = true;
    // A line that a full disk has cut short must not spoil the next one.
    return busy(file, (done) => write(file.descriptor, `\n${writeCandidate(head)}\n`, done));
  }

  /** Begins the next turn. Resolves when the notes of the one before are written. */
  async next(): Promise<void> {
    const { busy: written } = this.#file(0);
    this.#turn += 1;
    await Promise.all(written);
  }

  /** Empties the file of the turn before this one. */
  async forget(): Promise<void> {
    const file = this.#file(1);
    if (!file.used || this.#closed) return;
    await busy(file, (done) => ftruncate(file.descriptor, done));
    file.used = false;
  }

  /** Leaves the notes as they are. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { descriptor, busy: under } of this.#files) void Promise.all(under).then(() => closeSync(descriptor));
  }

  /** The file of this turn (0), or of the one before (1). */
  #file(back: 0 | 1): NoteFile {
    const file = this.#files[(this.#turn + back) % FILES.length];
    if (file === undefined) throw new Error('candidate notes: no file');
    return file;
  }
}

/** Resolves when the system has answered, whatever it says: the candidate's own file is written until that succeeds. */
function busy({ busy: under }: NoteFile, act: (done: () => void) => void): Promise<void> {
  const acting = new Promise<void>((resolve) => act(resolve));
  under.add(acting);
  void acting.then(() => under.delete(acting));
  return acting;
}

/** None for a line that a crash or a full disk has cut short. */
function parsed(text: string): BlockHead[] {
  try {
    return [parseCandidate(text)];
  } catch {
    return [];
  }
}
