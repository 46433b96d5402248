import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // An alias rather than package.json's condition: worker threads and child processes inherit conditions, and run what is built.
  resolve: { alias: [{ find: /^#([a-z]+\/.*)$/, replacement: fileURLToPath(new URL('src/$1.ts', import.meta.url)) }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    pool: 'forks',
    // A machine may be busy: what is waited for has time, and a time that is over says that something hangs.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
