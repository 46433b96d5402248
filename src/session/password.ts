/**
 * What miners put into the password: options `key=value`, separated by `,` or `;`. Only `d=<difficulty>` means something
 * here: a difficulty that vardiff leaves alone. Anything else ("x", a real password) is not looked at.
 */
export function passwordDifficulty(password: string): number | undefined {
  for (const option of password.split(/[,;]/)) {
    const [, digits] = /^\s*d=((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?)\s*$/i.exec(option) ?? [];
    const difficulty = Number(digits);
    if (difficulty > 0 && difficulty < Number.POSITIVE_INFINITY) return difficulty;
  }
  return undefined;
}
