import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { removeFolder } from './remove-folder.ts';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Endpoints {
  readonly tcp: { readonly host: string; readonly port: number };
  readonly websocket: { readonly host: string; readonly port: number };
  /** Where a certificate is configured. */
  readonly tls?: { readonly host: string; readonly port: number };
  /** Base URL of the HTTP API. */
  readonly http: string;
}

/** A data folder with a config file in it; outlives the processes that are started on it. */
export class PoolFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  readonly config = join(this.path, 'sluice.toml');

  /** `toml` is what differs between tests; the listeners and the data folder are set here. Tables come last. */
  constructor(toml = '') {
    writeFileSync(this.config, `data = ${JSON.stringify(join(this.path, 'data'))}\n${toml}`);
  }

  /** Runs a `sluice` command on this folder; resolves with what it printed, whatever its exit code. */
  run(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [cli, ...args],
        { env: { ...process.env, ...listeners }, maxBuffer: 1 << 28 },
        (error, stdout, stderr) => {
          resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
        },
      );
    });
  }

  /** The rows of a query, over the command line as an analyst would. */
  async sql<Row>(query: string): Promise<Row[]> {
    const { code, stdout, stderr } = await this.run('sql', '--config', this.config, '--format', 'JSONEachRow', query);
    if (code !== 0) throw new Error(`sluice sql failed (${code}): ${stderr}`);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Row);
  }

  remove(): Promise<void> {
    return removeFolder(this.path);
  }
}

/** Free ports everywhere, so that test files run side by side. */
export const listeners = {
  SLUICE_STRATUM__TCP: '127.0.0.1:0',
  SLUICE_STRATUM__WEBSOCKET: '127.0.0.1:0',
  SLUICE_HTTP__LISTEN: '127.0.0.1:0',
};

/** A pool as a process of its own, started the way an operator starts it. */
export class PoolProcess {
  readonly child: ChildProcess;
  readonly endpoints: Endpoints;
  /** Everything on stderr so far. */
  readonly log: string[];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  private constructor(child: ChildProcess, endpoints: Endpoints, log: string[], exited: PoolProcess['exited']) {
    this.child = child;
    this.endpoints = endpoints;
    this.log = log;
    this.exited = exited;
  }

  /** Resolves when the pool has printed `sluice ready`. */
  static async start(folder: PoolFolder, env: Readonly<Record<string, string>> = {}): Promise<PoolProcess> {
    const child = spawn(process.execPath, [cli, 'start', '--config', folder.config], {
      env: { ...process.env, ...listeners, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    const ready = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve);
      void exited.then(({ code }) => reject(new Error(`the pool exited with ${code}:\n${log.join('\n')}`)));
    });
    return new PoolProcess(child, parseReady(ready), log, exited);
  }

  /** Its gateways, where they are processes of their own: those of its children that run that program. */
  gateways(): number[] {
    const { pid } = this.child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).map(Number);
    return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('gateway-child'));
  }

  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return (await this.exited).code;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  async json<Body>(path: string): Promise<Body> {
    const response = await fetch(this.endpoints.http + path);
    return (await response.json()) as Body;
  }
}

function parseReady(line: string): Endpoints {
  const url = (scheme: string): URL => {
    const found = line.split(/\s+/).find((word) => word.startsWith(`${scheme}://`));
    if (!line.startsWith('sluice ready') || !found) throw new Error(`not a ready line: ${line}`);
    // URL gives no port for schemes it does not know unless the host is written out, so read it as http.
    return new URL(found.replace(`${scheme}://`, 'http://'));
  };
  const endpoint = (scheme: string): { host: string; port: number } => {
    const { hostname, port } = url(scheme);
    // IPv6 without its brackets, as sockets want it.
    return { host: hostname.replace(/[[\]]/g, ''), port: Number(port) };
  };
  return {
    tcp: endpoint('stratum+tcp'),
    websocket: endpoint('stratum+ws'),
    ...(line.includes('stratum+tls://') && { tls: endpoint('stratum+tls') }),
    http: url('http').origin,
  };
}
