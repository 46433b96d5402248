import { type Difficulty, difficultyOf } from '#base/domain/difficulty';

/** `d=` or `fd=` at the beginning or after a separator; blanks may stand beside the equals sign. */
const OPTION = /(?<=^|[,;\s])f?d\s*=\s*((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?)(?=$|[,;\s])/gi;

/**
 * The difficulty that a miner fixes in its password: `d=1024` or `fd=1024`, apart from other text by `,`, `;` or a blank.
 * Vardiff leaves it alone. Returns undefined if the password has none; the rest of the text is not looked at.
 */
export function passwordDifficulty(password: string): Difficulty | undefined {
  for (const [, digits] of password.matchAll(OPTION)) {
    const difficulty = difficultyOf(Number(digits));
    if (difficulty !== undefined) return difficulty;
  }
  return undefined;
}
