import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Path of the build's output for `file`, a path in src/ such as `shares/verify/verify-worker.ts` or `shares/kernel/simd.wasm`. Tests
 * that run from source use the build's output too, because Node 20 can not start a thread or a process from TypeScript.
 */
export function builtFile(file: string): string {
  const dist = import.meta.url.endsWith('.ts') ? '../../dist/' : '../';
  return fileURLToPath(new URL(dist + file.replace(/\.ts$/, '.js'), import.meta.url));
}

/**
 * Node's flags for processes that serve miners; `npm start` and the command `sluice` use them too (test/base/built.test.ts). By default
 * V8 has four threads for garbage collection, however few cores there are, and the event loop waits for a core. With one thread the
 * p999 of a reply is about half (bench/README.md).
 */
export const nodeFlags: readonly string[] = ['--v8-pool-size=1'];

/** Makes the kernel kill a process when its parent dies, even if either of them hangs or is stopped. */
const DIE_WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL'] as const;

/** Whether the command works here; undefined before it was tried. */
let dieWithParent: boolean | undefined;

/**
 * How `fork` starts a child that ends with this process. Without the command, or if Node's file has capabilities (setcap),
 * the child has to notice by itself that its channel is closed.
 */
export function tiedToParent(flags: readonly string[] = []): {
  readonly execPath?: string;
  readonly execArgv: string[];
} {
  const [execPath, ...options] = DIE_WITH_PARENT;
  dieWithParent ??= spawnSync(execPath, [...options, 'true'], { stdio: 'ignore' }).status === 0;
  return dieWithParent ? { execPath, execArgv: [...options, process.execPath, ...flags] } : { execArgv: [...flags] };
}
