import { readFileSync } from 'node:fs';
import { builtFile } from '#base/built';
import { assertLayout, layout } from './layout.ts';
import { type WasmModule, wasm } from './webassembly.ts';

/** Two builds of the same kernel: `simd` hashes eight messages at a time. */
export type KernelBuild = 'scalar' | 'simd';

/** A compiled build; can be posted to a worker thread, so that it is compiled once. */
export interface KernelCode {
  readonly build: KernelBuild;
  readonly module: WasmModule;
}

export interface KernelOptions {
  /** `auto`, the default: SIMD where this machine's engine has it. */
  readonly build?: KernelBuild | 'auto';
}

/**
 * Reads and compiles a build and compares its memory map with this code's.
 * Throws if the file is missing, the engine can not run the build asked for, or the maps differ.
 */
export function loadKernel(options: KernelOptions = {}): KernelCode {
  const { build = 'auto' } = options;
  if (build !== 'auto') return compile(build, read(build));
  const simd = read('simd');
  return wasm.validate(simd) ? compile('simd', simd) : compile('scalar', read('scalar'));
}

function read(build: KernelBuild): Buffer {
  const file = builtFile(`shares/kernel/${build}.wasm`);
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new Error(`kernel: ${file} can not be read; run \`npm run build\``, { cause });
  }
}

function compile(build: KernelBuild, bytes: Buffer): KernelCode {
  if (!wasm.validate(bytes)) throw new Error(`kernel: this engine can not run the ${build} build`);
  const module = new wasm.Module(bytes);
  const pages = layout.MEMORY_PAGES;
  const memory = new wasm.Memory({ initial: pages, maximum: pages, shared: true });
  const { exports } = new wasm.Instance(module, { env: { memory } });
  const staticsEnd = exports['staticsEnd'] as () => number;
  assertLayout((name) => (exports[name] as { value: unknown } | undefined)?.value, staticsEnd());
  return { build, module };
}
