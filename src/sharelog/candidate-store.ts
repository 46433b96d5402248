import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Candidate } from './candidate.ts';

/** In the data folder: a file for each block candidate whose outcome is not known for good. */
export const CANDIDATES_FOLDER = 'candidates';
const NAME = /^[0-9a-f]{64}\.json$/;
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
  readonly #folder: string;
  readonly #failing: (reason: string) => void;
  /** Files are written and removed one after another. */
  #tail: Promise<void> = Promise.resolve();
  #pending = 0;
  #closed = false;

  /** `failing`: the disk does not take a candidate, and is asked again until it does. */
  constructor(folder: string, modules: { readonly failing: (reason: string) => void }) {
    this.#folder = join(folder, CANDIDATES_FOLDER);
    this.#failing = modules.failing;
  }

  /** Those that are there, the oldest first. Throws for a file that is none. */
  read(): Candidate[] {
    return names(this.#folder)
      .map((name) => {
        const parsed = file.safeParse(JSON.parse(readFileSync(join(this.#folder, name), 'utf8')));
        if (!parsed.success) throw new Error(`${CANDIDATES_FOLDER}/${name} is no block candidate`);
        return parsed.data;
      })
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
    this.#then(() => unlink(join(this.#folder, `${hash}.json`)).catch(() => {}));
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
        await mkdir(this.#folder, { recursive: true });
        const path = join(this.#folder, name);
        await synced(`${path}.new`, 'w', text);
        await rename(`${path}.new`, path);
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

function names(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => NAME.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
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
