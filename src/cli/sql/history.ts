import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Io } from '../io.ts';

export const HISTORY_LINES_MAX = 1_000;

/** The lines that were entered before, newest first, in a file of the user's alone. Without a home there is no such file. */
export class History {
  readonly #path: string | undefined;

  constructor({ env }: Pick<Io, 'env'>) {
    const state =
      env['XDG_STATE_HOME'] ?? (env['HOME'] === undefined ? undefined : join(env['HOME'], '.local', 'state'));
    this.#path = state === undefined || state === '' ? undefined : join(state, 'sluice', 'sql-history');
  }

  read(): string[] {
    try {
      if (this.#path === undefined) return [];
      return readFileSync(this.#path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .slice(0, HISTORY_LINES_MAX);
    } catch {
      return [];
    }
  }

  /** A history that can not be kept is none: the statement matters more. */
  write(lines: readonly string[]): void {
    try {
      if (this.#path === undefined) return;
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      const kept = lines.map((line) => line.replaceAll('\n', ' ')).slice(0, HISTORY_LINES_MAX);
      writeFileSync(this.#path, `${kept.join('\n')}\n`, { mode: 0o600 });
    } catch {
      // A full disk, or another user's home.
    }
  }
}
