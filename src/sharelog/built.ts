import { fileURLToPath } from 'node:url';

/**
 * Path of the built JavaScript behind a worker's or child's entry `<room>/<name>.ts`, from built code and from sources
 * (tests) alike: Node 20 can not start a thread or a process from TypeScript.
 */
export function builtEntry(entry: `${string}/${string}.ts`): string {
  const root = import.meta.url.endsWith('.ts') ? '../../dist/' : '../';
  return fileURLToPath(new URL(`${root}${entry.replace(/\.ts$/, '.js')}`, import.meta.url));
}
