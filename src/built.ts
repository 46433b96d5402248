import { fileURLToPath } from 'node:url';

/**
 * Path of what the build made of `file`, given as it lies in src/: `verify/verify-worker.ts`, `kernel/simd.wasm`. From built
 * code and from sources (tests) alike: Node 20 can not start a thread or a process from TypeScript.
 */
export function builtFile(file: string): string {
  const dist = import.meta.url.endsWith('.ts') ? '../dist/' : './';
  return fileURLToPath(new URL(dist + file.replace(/\.ts$/, '.js'), import.meta.url));
}

/**
 * How Node is started on what serves miners: `npm start` and the command `sluice` have it too (test/built.test.ts). V8 has
 * four threads for its garbage unless told otherwise, however few cores there are, and then the event loop waits for a
 * core: with one thread the p999 of a reply is about half (bench/README.md).
 */
export const nodeFlags: readonly string[] = ['--v8-pool-size=1'];
