import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '#base/built';
import { close, closeAtEnd } from './closing.ts';
import { readTree, type Tree } from './process-tree.ts';

/** Something that miners connect to, in processes of its own. */
export interface Server {
  readonly name: string;
  readonly tcpPort: number;
  readonly websocketPort: number;
  /** Its transport, if it differs from the benchmark's. */
  readonly transport?: 'tcp' | 'websocket';
  /** What miners log in as; without it, the simulated node's address for payouts. */
  readonly user?: string;
  /** CPU time and memory of all its processes. */
  tree(): Tree;
  /** Waits until the server has finished its work, and checks that its count equals the load's. */
  settle(): Promise<void>;
  /** Accepted shares since the start, undefined if it does not count. */
  accepted(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** A process that says in its first line that it is ready. */
export class ServerProcess {
  readonly pid: number;
  readonly firstLine: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #folder: string | undefined;

  private constructor(child: ChildProcess, firstLine: string, ended: Promise<void>, folder: string | undefined) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.firstLine = firstLine;
    this.#ended = ended;
    this.#folder = folder;
    closeAtEnd(this);
  }

  /**
   * Starts Node on a script, as Sluice is started. `folder` is its own and goes when it does; rejects with what it wrote
   * where it ends before.
   */
  static async start(args: readonly string[], folder?: string): Promise<ServerProcess> {
    const child = spawn(process.execPath, [...nodeFlags, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: plainEnvironment(),
    });
    let written = '';
    child.stderr.on('data', (chunk: Buffer) => {
      written = (written + chunk.toString()).slice(-4096);
    });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const firstLine = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve);
      child.once('error', reject);
      void ended.then(() => reject(new Error(`${args.join(' ')} ended:\n${written}`)));
    }).catch((error: unknown) => {
      abandonFolder(folder);
      throw error;
    });
    return new ServerProcess(child, firstLine, ended, folder);
  }

  async close(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
    // Repeats the removal if a child that has not ended yet was writing meanwhile.
    if (this.#folder !== undefined) {
      await rm(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    }
  }

  abandon(): void {
    this.#child.kill('SIGKILL');
    abandonFolder(this.#folder);
  }
}

/** As much of it as its last processes leave alone: there is no time to wait for them. */
function abandonFolder(folder: string | undefined): void {
  try {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  } catch {
    // The system's folder for such things keeps the rest.
  }
}

/** Without the variables that an operator configures a pool with: the one measured has its own config. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_')));
}

/** A ceiling: one of the scripts of this folder's parent, which listens on one port and keeps no count. */
export async function startCeiling(name: string, script: string, ...args: readonly string[]): Promise<Server> {
  const file = fileURLToPath(new URL(`../${script}.js`, import.meta.url));
  const server = await ServerProcess.start([file, ...args]);
  const port = Number(/^ready ([0-9]+)/.exec(server.firstLine)?.[1]);
  if (!(port > 0)) throw new Error(`${script} said "${server.firstLine}"`);
  return {
    name,
    tcpPort: port,
    websocketPort: port,
    tree: () => readTree(server.pid),
    settle: async () => {},
    accepted: async () => undefined,
    close: () => close(server),
  };
}
