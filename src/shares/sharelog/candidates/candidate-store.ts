import { accessSync, constants, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { SpareDescriptors } from '#base/domain/ports';
import { replaceFile, UNFINISHED } from '#base/std/atomic-file';
import { lacksDescriptor } from '#base/std/descriptors';
import { syncFolderSync } from '#base/std/sync-folder';
import { makeFolder } from '../journal/make-folder.ts';
import type { BlockHead, Candidate } from './candidate.ts';

/** In the data folder: the block candidates that the chain has not settled. */
export const CANDIDATES_FOLDER = 'candidates';
const NAME = /^[0-9a-f]{64}\.json$/;
const FOLDER_MODE = 0o700;
const RETRY_MS = 500;
/** Text of one file, but for a candidate that is larger. */
const FILE_CHARS_MAX = 32 * 1024 * 1024;

const line = z.object({
  hash: z.string(),
  height: z.number(),
  jobId: z.string(),
  account: z.string(),
  rig: z.string(),
  rewardSats: z.string().transform(BigInt),
  networkDifficulty: z.number(),
  shareDifficulty: z.number(),
  foundMs: z.number(),
  inputs: z
    .object({
      variant: z.number(),
      extranonce1: z.string(),
      extranonce2: z.string(),
      ntime: z.number(),
      nonce: z.number(),
      version: z.number(),
      coinb2: z.string().optional(),
    })
    .optional(),
  block: z
    .string()
    .regex(/^([0-9a-f]{2})+$/)
    .transform((hex) => new Uint8Array(Buffer.from(hex, 'hex'))),
});

/** Candidates that came together, a line each. The lines stay on the disk, because a block is up to 8 MB as hex. */
interface CandidateFile {
  /** Named by the hash of the first of them. */
  readonly path: string;
  /** In the order of the lines. */
  readonly hashes: readonly string[];
}

/** What was asked for since the disk was asked last: it is done together. */
interface Turn {
  /** By hash, in the order of asking; undefined: the candidate is dropped. */
  readonly wanted: Map<string, string | undefined>;
  readonly done: Promise<void>;
  readonly finish: () => void;
}

/**
 * Block candidates on the disk, from the moment they are found until the chain has settled what becomes of them. Those
 * that come while the disk is busy share a file and its sync, because easy blocks come by the thousand. A line has the
 * block in hex: should all else fail, `bitcoin-cli submitblock` takes it.
 */
export class CandidateStore {
  /** Those of earlier boots, the oldest first. */
  readonly unresolved: readonly BlockHead[];
  readonly #folder: string;
  readonly #failing: (reason: string) => void;
  readonly #spare: SpareDescriptors | undefined;
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
    // Now, and not when the first block is found: that one could not wait for somebody to mend it.
    makeFolder(this.#folder, FOLDER_MODE);
    accessSync(this.#folder, constants.W_OK);
    syncFolderSync(folder);
    for (const name of readdirSync(this.#folder)) if (name.endsWith(UNFINISHED)) rmSync(join(this.#folder, name));
    // What is read now stays, also after a loss of power that follows the removal of another file.
    syncFolderSync(this.#folder);
    this.unresolved = readdirSync(this.#folder)
      .filter((name) => NAME.test(name))
      .sort()
      .flatMap((name) => this.#read(join(this.#folder, name)))
      .sort((a, b) => a.foundMs - b.foundMs || (a.hash < b.hash ? -1 : 1));
  }

  /** Undefined if everything that was asked for is done; else resolves when it is. */
  get settled(): Promise<void> | undefined {
    return (this.#next ?? this.#running)?.done;
  }

  keep(candidate: Candidate): void {
    const text = JSON.stringify({
      ...candidate,
      rewardSats: String(candidate.rewardSats),
      block: Buffer.from(candidate.block).toString('hex'),
    });
    this.#ask(candidate.hash, text);
  }

  /** The block of a candidate, from the disk; undefined if it is not there (yet), or can not be read. */
  async read(hash: string): Promise<Uint8Array | undefined> {
    const file = this.#files.get(hash);
    if (file === undefined) return undefined;
    try {
      const text = (await linesOf(file)).get(hash);
      return text === undefined ? undefined : parse(file.path, text).block;
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
  }

  #ask(hash: string, text: string | undefined): void {
    this.#next ??= newTurn();
    this.#next.wanted.set(hash, text);
    if (this.#running === undefined) void this.#run();
  }

  async #run(): Promise<void> {
    for (let turn = this.#next; turn !== undefined; turn = this.#next) {
      this.#next = undefined;
      this.#running = turn;
      await this.#take(turn);
      turn.finish();
    }
    this.#running = undefined;
  }

  async #take({ wanted }: Turn): Promise<void> {
    let lines = new Map<string, string>();
    let chars = 0;
    const thinned = new Set<CandidateFile>();
    for (const [hash, text] of wanted) {
      const file = this.#files.get(hash);
      if (text === undefined) {
        if (file !== undefined) thinned.add(file);
      } else if (file === undefined) {
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

  /** Leaves in a file what is not dropped. The rest has its new file before the old one goes. */
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
function headOf({ block: _, ...head }: Candidate): BlockHead {
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

function parse(path: string, text: string): Candidate {
  try {
    return line.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path} is no block candidate: move it away to start without it`, { cause: error });
  }
}
