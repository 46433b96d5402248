import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // An alias rather than package.json's condition: worker threads and child processes inherit conditions, and run what is built.
  resolve: { alias: [{ find: /^#([a-z]+\/.*)$/, replacement: fileURLToPath(new URL('src/$1.ts', import.meta.url)) }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    pool: 'forks',
    // Vitest leaves a core free; these tests wait for other processes and for the disk most of the time.
    maxWorkers: availableParallelism(),
    // A machine may be busy: what is waited for has time, and a time that is over says that something hangs.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
