import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Shim {
  readonly port: number;
  kill(): Promise<void>;
}

export interface ShimOptions {
  readonly folder: string;
  readonly port?: number;
  readonly faults?: string;
  /** The server's own time zone. */
  readonly timeZone?: string;
}

/** Starts clickhouse-shim.mjs in a process of its own; resolves when it listens. */
export async function startShim({ folder, port = 0, faults = '', timeZone = 'UTC' }: ShimOptions): Promise<Shim> {
  const script = fileURLToPath(new URL('clickhouse-shim.mjs', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, String(port), folder, faults], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { TZ: timeZone },
  });
  const exited = once(child, 'exit');
  if (child.stdout === null) throw new Error('no output');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return {
    port: Number(line),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
