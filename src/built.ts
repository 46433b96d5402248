import { fileURLToPath } from 'node:url';

/**
 * Path of what the build made of `file`, given as it lies in src/: `verify/verify-worker.ts`, `kernel/simd.wasm`. From built
 * code and from sources (tests) alike: Node 20 can not start a thread or a process from TypeScript.
 */
export function builtFile(file: string): string {
  const dist = import.meta.url.endsWith('.ts') ? '../dist/' : './';
  return fileURLToPath(new URL(dist + file.replace(/\.ts$/, '.js'), import.meta.url));
}
