/** Hex fields of clients: either case, with or without `0x`, never anything else. */

const DIGITS = /^[0-9a-f]+$/;

/** The digits in lower case without prefix; undefined unless there are 1 to `digitsMax` of them. */
export function hexDigits(text: unknown, digitsMax: number): string | undefined {
  if (typeof text !== 'string' || text.length > digitsMax + 2) return undefined;
  const lower = text.toLowerCase();
  const digits = lower.startsWith('0x') ? lower.slice(2) : lower;
  // toLowerCase maps some other letters to ASCII (the Kelvin sign is one), but none to a hex digit.
  return digits.length <= digitsMax && DIGITS.test(digits) ? digits : undefined;
}

/** Up to eight digits as a number, u32: some firmware prints without leading zeros. */
export function hexU32(text: unknown): number | undefined {
  const digits = hexDigits(text, 8);
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/** Eight digits of a u32, big-endian, as Stratum writes version, nbits and ntime. */
export function u32Hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
