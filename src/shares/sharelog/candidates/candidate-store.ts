import { accessSync, constants, readdirSync, readFileSync, rmSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { replaceFile, UNFINISHED } from '#base/std/atomic-file';
import { syncFolderSync } from '#base/std/sync-folder';
import { makeFolder } from '../journal/make-folder.ts';
import type { Candidate } from './candidate.ts';

/** In the data folder: the block candidates whose outcome is not known for good. */
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
  block: z
    .string()
    .regex(/^([0-9a-f]{2})+$/)
    .transform((hex) => new Uint8Array(Buffer.from(hex, 'hex'))),
});

/** Candidates that came together, a line each. Its name is the hash of the first of them. */
interface CandidateFile {
  readonly lines: Map<string, string>;
}

/** What was asked for since the disk was asked last: it is done together. */
interface Turn {
  /** By hash, in the order of asking; undefined: the candidate is dropped. */
  readonly wanted: Map<string, string | undefined>;
  readonly done: Promise<void>;
  readonly finish: () => void;
}

/**
 * Block candidates on the disk, from the moment they are found until a node has said for good what becomes of them. Those
 * that come while the disk is busy share a file and its sync, because easy blocks come by the thousand. A line has the
 * block in hex: should all else fail, `bitcoin-cli submitblock` takes it.
 */
export class CandidateStore {
  /** Those of earlier boots, the oldest first. */
  readonly unresolved: readonly Candidate[];
  readonly #folder: string;
  readonly #failing: (reason: string) => void;
  /** The file of each candidate. */
  readonly #files = new Map<string, CandidateFile>();
  #running: Turn | undefined;
  #next: Turn | undefined;
  #closed = false;

  /**
   * `failing`: the disk does not take a candidate, and is asked again until it does. Throws if the folder can not be
   * written, or has a file that is no candidate.
   */
  constructor(folder: string, modules: { readonly failing: (reason: string) => void }) {
    this.#folder = join(folder, CANDIDATES_FOLDER);
    this.#failing = modules.failing;
    // Now, and not when the first block is found: that one could not wait for somebody to mend it.
    makeFolder(this.#folder, FOLDER_MODE);
    accessSync(this.#folder, constants.W_OK);
    syncFolderSync(folder);
    for (const name of readdirSync(this.#folder)) if (name.endsWith(UNFINISHED)) rmSync(join(this.#folder, name));
    this.unresolved = readdirSync(this.#folder)
      .filter((name) => NAME.test(name))
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

  /** Its outcome is known for good, and recorded. */
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
    const path = this.#pathOf(lines);
    await replaceFile(path, [[...lines.values()].join('\n')]);
    const file = { lines };
    for (const hash of lines.keys()) this.#files.set(hash, file);
  }

  /** Leaves in a file what is not dropped. The rest has its new file before the old one goes. */
  async #thin(file: CandidateFile, wanted: Turn['wanted']): Promise<void> {
    const stays = (hash: string): boolean =>
      this.#files.get(hash) === file && !(wanted.has(hash) && wanted.get(hash) === undefined);
    const left = new Map([...file.lines].filter(([hash]) => stays(hash)));
    const path = this.#pathOf(file.lines);
    try {
      if (left.size > 0) await this.#writeOnce(left);
      if (left.size === 0 || this.#pathOf(left) !== path) await unlink(path);
    } catch (error) {
      // They are submitted once more at the next start, which is known by then.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#failing(`a block candidate can not be removed: ${(error as Error).message}`);
        return;
      }
    }
    for (const hash of file.lines.keys())
      if (this.#files.get(hash) === file && !left.has(hash)) this.#files.delete(hash);
  }

  #pathOf(lines: ReadonlyMap<string, string>): string {
    const [first = ''] = lines.keys();
    return join(this.#folder, `${first}.json`);
  }

  /** Candidates of a file that no other file had. Throws with the file's name. */
  #read(path: string): Candidate[] {
    const texts = readFileSync(path, 'utf8').split('\n');
    const candidates = texts.map((text) => parse(path, text));
    const file = { lines: new Map(candidates.map(({ hash }, index) => [hash, texts[index] ?? ''])) };
    const fresh = candidates.filter(({ hash }) => !this.#files.has(hash));
    for (const { hash } of candidates) this.#files.set(hash, file);
    return fresh;
  }
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
