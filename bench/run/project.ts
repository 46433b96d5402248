import { fileURLToPath } from 'node:url';

/** The project's folder; this file runs as dist/bench/run/project.js. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The command line, as built. */
export const cli = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
