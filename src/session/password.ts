import { type Difficulty, difficultyOf } from '../domain/difficulty.ts';

/**
 * What miners put into the password: options `key=value`, separated by `,` or `;`. Only `d=<difficulty>` means something
 * here: a difficulty that vardiff leaves alone. Anything else ("x", a real password) is not looked at.
 */
export function passwordDifficulty(password: string): Difficulty | undefined {
  for (const option of password.split(/[,;]/)) {
    const [, digits] = /^\s*d=((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?)\s*$/i.exec(option) ?? [];
    const difficulty = difficultyOf(Number(digits));
    if (difficulty !== undefined) return difficulty;
  }
  return undefined;
}
