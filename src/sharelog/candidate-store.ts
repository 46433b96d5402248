import { accessSync, constants, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Candidate } from './candidate.ts';
import { makeFolder } from './make-folder.ts';
import { syncFolder } from './sync-folder.ts';

/** In the data folder: a file for each block candidate whose outcome is not known for good. */
export const CANDIDATES_FOLDER = 'candidates';
const NAME = /^[0-9a-f]{64}\.json$/;
const UNFINISHED = '.new';
const FOLDER_MODE = 0o700;
const RETRY_MS = 500;

const file = z.object({
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

/**
 * Block candidates on the disk, from the moment they are found until a node has said for good what becomes of them. A
 * file has the block in hex: should all else fail, `bitcoin-cli submitblock` takes it.
 */
export class CandidateStore {
  /** Those of earlier boots, the oldest first. */
  readonly unresolved: readonly Candidate[];
  readonly #folder: string;
  readonly #failing: (reason: string) => void;
  /** Files are written and removed one after another. */
  #tail: Promise<void> = Promise.resolve();
  #pending = 0;
  #closed = false;

  /**
   * `failing`: the disk does not take a candidate, and is asked again until it does. Throws where the folder can not be
   * written, or has a file that is no candidate.
   */
  constructor(folder: string, modules: { readonly failing: (reason: string) => void }) {
    this.#folder = join(folder, CANDIDATES_FOLDER);
    this.#failing = modules.failing;
    // Now, and not when the first block is found: that one could not wait for somebody to mend it.
    makeFolder(this.#folder, FOLDER_MODE);
    accessSync(this.#folder, constants.W_OK);
    syncFolder(folder);
    for (const name of readdirSync(this.#folder)) if (name.endsWith(UNFINISHED)) rmSync(join(this.#folder, name));
    this.unresolved = readdirSync(this.#folder)
      .filter((name) => NAME.test(name))
      .map((name) => read(join(this.#folder, name)))
      .sort((a, b) => a.foundMs - b.foundMs || (a.hash < b.hash ? -1 : 1));
  }

  /** Undefined where everything that was asked for is done; else resolves when it is. */
  get settled(): Promise<void> | undefined {
    return this.#pending === 0 ? undefined : this.#tail;
  }

  keep(candidate: Candidate): void {
    const text = JSON.stringify({
      ...candidate,
      rewardSats: String(candidate.rewardSats),
      block: Buffer.from(candidate.block).toString('hex'),
    });
    this.#then(() => this.#write(`${candidate.hash}.json`, text));
  }

  /** Its outcome is known for good, and recorded. */
  drop(hash: string): void {
    this.#then(() =>
      unlink(join(this.#folder, `${hash}.json`)).catch((error: NodeJS.ErrnoException) => {
        // It is submitted once more at the next start, which is known by then.
        if (error.code !== 'ENOENT') this.#failing(`a block candidate can not be removed: ${error.message}`);
      }),
    );
  }

  /** Tries nothing again. */
  close(): void {
    this.#closed = true;
  }

  #then(work: () => Promise<void>): void {
    this.#pending += 1;
    this.#tail = this.#tail.then(work).finally(() => {
      this.#pending -= 1;
    });
  }

  async #write(name: string, text: string): Promise<void> {
    for (;;) {
      try {
        const path = join(this.#folder, name);
        await synced(path + UNFINISHED, 'w', text);
        await rename(path + UNFINISHED, path);
        await synced(this.#folder, 'r');
        return;
      } catch (error) {
        if (this.#closed) return;
        this.#failing(`a block candidate can not be written: ${(error as Error).message}`);
        await delay(RETRY_MS);
      }
    }
  }
}

/** Throws with the file's name. */
function read(path: string): Candidate {
  try {
    return file.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new Error(`${path} is no block candidate: move it away to start without it`, { cause: error });
  }
}

async function synced(path: string, flags: 'r' | 'w', text?: string): Promise<void> {
  const handle = await open(path, flags, 0o600);
  try {
    if (text !== undefined) await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
