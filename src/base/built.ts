import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Path of what the build made of `file`, given as it lies in src/: `shares/verify/verify-worker.ts`, `shares/kernel/simd.wasm`. From built
 * code and from sources (tests) alike: Node 20 can not start a thread or a process from TypeScript.
 */
export function builtFile(file: string): string {
  const dist = import.meta.url.endsWith('.ts') ? '../../dist/' : '../';
  return fileURLToPath(new URL(dist + file.replace(/\.ts$/, '.js'), import.meta.url));
}

/**
 * How Node is started on what serves miners: `npm start` and the command `sluice` have it too (test/base/built.test.ts). V8 has
 * four threads for its garbage unless told otherwise, however few cores there are, and then the event loop waits for a
 * core: with one thread the p999 of a reply is about half (bench/README.md).
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
