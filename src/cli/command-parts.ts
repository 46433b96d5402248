import { Option } from 'commander';
import type { ExitCode } from './io.ts';

/** Takes what a command has come to. */
export type Done = (code: ExitCode) => void;

export function configOption(): Option {
  return new Option('--config <file>', 'a TOML file; SLUICE_… variables override it');
}

/** Lines for the end of a command's help. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`;
}
