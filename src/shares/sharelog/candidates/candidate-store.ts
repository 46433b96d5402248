import { accessSync, constants, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import type { SpareDescriptors } from '#base/domain/ports';
import { replaceFile, replaceFileSync, UNFINISHED } from '#base/std/atomic-file';
import { lacksDescriptor } from '#base/std/descriptors';
import { syncFolderSync } from '#base/std/sync-folder';
import { makeFolder } from '../journal/make-folder.ts';
import type { BlockHead, KeptCandidate } from './candidate.ts';
import { CandidateNotes } from './candidate-notes.ts';
import { parseCandidate, writeCandidate } from './candidate-text.ts';

/** In the data folder: the block candidates that the chain has not settled. */
export const CANDIDATES_FOLDER = 'candidates';
const NAME = /^[0-9a-f]{64}\.json$/;
const FOLDER_MODE = 0o700;
const RETRY_MS = 500;
/** Text of one file, but for a candidate that is larger. */
const FILE_CHARS_MAX = 32 * 1024 * 1024;

/** Candidates that came together, a line each. The lines stay on the disk, because a block is up to 8 MB as hex. */
interface CandidateFile {
  /** Named by the hash of the first of them. */
  readonly path: string;
  /** In the order of the lines. */
  readonly hashes: readonly string[];
}

/** Requests since the last disk operation; they are carried out together. */
interface Turn {
  /** By hash, in the order of asking; undefined: the candidate is dropped. */
  readonly wanted: Map<string, (() => string) | undefined>;
  readonly done: Promise<void>;
  readonly finish: () => void;
}

/**
 * Block candidates on disk, from the moment they are found until the chain has settled them. Candidates found while the disk is
 * busy share a file and its sync, because an easy chain has thousands of them. A line has the block in hex, so an operator can
 * send it with `bitcoin-cli submitblock`. If a process was killed between a candidate's note and its file, the candidate gets a line
 * without the block: only the node may have the block then.
 */
export class CandidateStore {
  /** Those of earlier boots, the oldest first. */
  readonly unresolved: readonly BlockHead[];
  readonly #folder: string;
  readonly #failing: (reason: string) => void;
  readonly #spare: SpareDescriptors | undefined;
  readonly #notes: CandidateNotes;
  /** The file of each candidate. */
  readonly #files = new Map<string, CandidateFile>();
  #running: Turn | undefined;
  #next: Turn | undefined;
  #closed = false;

  /**
   * `failing`: the disk does not take a candidate, and is asked again until it does. Throws if the folder can not be
   * written, or has a file that is no candidate.
   */
  constructor(
    folder: string,
    modules: { readonly failing: (reason: string) => void; readonly spare?: SpareDescriptors | undefined },
  ) {
    this.#folder = join(folder, CANDIDATES_FOLDER);
    this.#failing = modules.failing;
    this.#spare = modules.spare;
    // Checked now, because a block found later could not wait until an operator repairs the folder.
    makeFolder(this.#folder, FOLDER_MODE);
    accessSync(this.#folder, constants.W_OK);
    syncFolderSync(folder);
    for (const name of readdirSync(this.#folder)) if (name.endsWith(UNFINISHED)) rmSync(join(this.#folder, name));
    // Synced, so that the files read now survive a loss of power after another file is removed.
    syncFolderSync(this.#folder);
    const filed = readdirSync(this.#folder)
      .filter((name) => NAME.test(name))
      .sort()
      .flatMap((name) => this.#read(join(this.#folder, name)));
    this.#notes = new CandidateNotes(folder);
    const noted = this.#notes.left.filter((head) => this.#fileNoted(head));
    this.#notes.forgetLeft();
    this.unresolved = [...filed, ...noted].sort((a, b) => a.foundMs - b.foundMs || (a.hash < b.hash ? -1 : 1));
  }

  /** Undefined if everything that was asked for is done; else resolves when it is. */
  get settled(): Promise<void> | undefined {
    return (this.#next ?? this.#running)?.done;
  }

  /**
   * Resolves when the candidate is noted (CandidateNotes), which takes no sync, or can not be noted. Then it gets its file; the
   * bytes of the block are asked for no sooner.
   */
  keep(head: BlockHead, block: () => Uint8Array): Promise<void> {
    const noted = this.#notes.note(head);
    this.#ask(head.hash, () => writeCandidate(head, block()));
    return noted;
  }

  /** The block of a candidate, from the disk; undefined if it is not there (yet), or can not be read. */
  async read(hash: string): Promise<Uint8Array | undefined> {
    const file = this.#files.get(hash);
    if (file === undefined) return undefined;
    try {
      const text = (await linesOf(file)).get(hash);
      return text === undefined ? undefined : parseCandidate(text).block;
    } catch {
      // The file is being replaced by one without candidates that are settled: it is there the next time.
      return undefined;
    }
  }

  /** Its outcome is settled by the chain, and recorded. */
  drop(hash: string): void {
    this.#ask(hash, undefined);
  }

  /** Tries nothing again. */
  close(): void {
    this.#closed = true;
    this.#notes.close();
  }

  #ask(hash: string, text: (() => string) | undefined): void {
    this.#next ??= newTurn();
    this.#next.wanted.set(hash, text);
    if (this.#running === undefined) void this.#run();
  }

  async #run(): Promise<void> {
    for (let turn = this.#next; turn !== undefined; turn = this.#next) {
      this.#next = undefined;
      this.#running = turn;
      await this.#notes.next();
      // Who waits for the note goes first: the node, with the block.
      await setImmediate();
      await this.#take(turn);
      if (!this.#closed) await this.#notes.forget();
      turn.finish();
    }
    this.#running = undefined;
  }

  async #take({ wanted }: Turn): Promise<void> {
    let lines = new Map<string, string>();
    let chars = 0;
    const thinned = new Set<CandidateFile>();
    for (const [hash, textOf] of wanted) {
      const file = this.#files.get(hash);
      if (textOf === undefined) {
        if (file !== undefined) thinned.add(file);
      } else if (file === undefined) {
        const text = textOf();
        lines.set(hash, text);
        chars += text.length;
        if (chars < FILE_CHARS_MAX) continue;
        await this.#write(lines);
        lines = new Map();
        chars = 0;
      }
    }
    if (lines.size > 0) await this.#write(lines);
    for (const file of thinned) await this.#thin(file, wanted);
  }

  async #write(lines: Map<string, string>): Promise<void> {
    for (;;) {
      try {
        await this.#writeOnce(lines);
        return;
      } catch (error) {
        if (this.#closed) return;
        this.#failing(`a block candidate can not be written: ${(error as Error).message}`);
        await delay(RETRY_MS);
      }
    }
  }

  async #writeOnce(lines: Map<string, string>): Promise<void> {
    const hashes = [...lines.keys()];
    const path = this.#pathOf(hashes);
    await this.#replace(path, [...lines.values()].join('\n'));
    const file = { path, hashes };
    for (const hash of hashes) this.#files.set(hash, file);
  }

  /** Rewrites a file without its dropped candidates. The new file is written before the old one is removed. */
  async #thin(file: CandidateFile, wanted: Turn['wanted']): Promise<void> {
    const { path, hashes } = file;
    const stays = (hash: string): boolean =>
      this.#files.get(hash) === file && !(wanted.has(hash) && wanted.get(hash) === undefined);
    const left = hashes.filter(stays);
    try {
      if (left.length > 0) {
        const lines = await linesOf(file);
        await this.#writeOnce(new Map(left.map((hash) => [hash, lines.get(hash) ?? ''])));
      }
      if (left.length === 0 || this.#pathOf(left) !== path) await unlink(path);
    } catch (error) {
      // They are followed once more after the next start.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#failing(`a block candidate can not be removed: ${(error as Error).message}`);
        return;
      }
    }
    for (const hash of hashes) if (this.#files.get(hash) === file && !left.includes(hash)) this.#files.delete(hash);
  }

  /** Again from the start with each spare descriptor, for as long as none is left for a file or its folder. */
  async #replace(path: string, text: string): Promise<void> {
    try {
      await replaceFile(path, [text]);
    } catch (error) {
      if (!lacksDescriptor(error) || this.#spare?.release('block') !== true) throw error;
      await this.#replace(path, text);
    }
  }

  /** Gives a candidate that only a note names a file, on the disk. Returns false if it has one. */
  #fileNoted(head: BlockHead): boolean {
    if (this.#files.has(head.hash)) return false;
    const path = this.#pathOf([head.hash]);
    replaceFileSync(path, writeCandidate(head));
    this.#files.set(head.hash, { path, hashes: [head.hash] });
    return true;
  }

  #pathOf([first = '']: readonly string[]): string {
    return join(this.#folder, `${first}.json`);
  }

  /**
   * Candidates of a file that no file before it had. A crash between the two steps of `#thin` leaves the old file beside the new
   * one: each candidate belongs to the first of its files, and a file without any is removed. Throws with the file's name.
   */
  #read(path: string): BlockHead[] {
    const heads = readFileSync(path, 'utf8')
      .split('\n')
      .map((text) => headOf(parse(path, text)));
    const file = { path, hashes: heads.map(({ hash }) => hash) };
    const fresh = heads.filter(({ hash }) => !this.#files.has(hash));
    for (const { hash } of fresh) this.#files.set(hash, file);
    if (fresh.length === 0) rmSync(path);
    return fresh;
  }
}

/** Without the block, which stays on the disk. */
function headOf({ block: _, ...head }: KeptCandidate): BlockHead {
  return head;
}

/** The lines of a file by the hash of their candidate. */
async function linesOf({ path, hashes }: CandidateFile): Promise<Map<string, string>> {
  const texts = (await readFile(path, 'utf8')).split('\n');
  if (texts.length !== hashes.length) throw new Error(`${path} has been changed`);
  return new Map(hashes.map((hash, index) => [hash, texts[index] ?? '']));
}

function newTurn(): Turn {
  let finish = (): void => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return { wanted: new Map(), done, finish };
}

function parse(path: string, text: string): KeptCandidate {
  try {
    return parseCandidate(text);
  } catch (error) {
    throw new Error(`${path} is no block candidate: move it away to start without it`, { cause: error });
  }
}
