import type { Column } from './rows.ts';

/** Values by column: strings, numbers, booleans, arrays of strings; bigint for UInt64 and UInt128; DateTime64 is ms. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * The rows of a batch, in their order. Written from the format's description and not from the encoder, so each of the two
 * tests the other. Throws if the bytes end within a row, or a column has a type that no column of the log has.
 */
export function decodeRows(columns: readonly Column[], bytes: Uint8Array): Row[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const skip = (count: number): number => {
    at += count;
    return at - count;
  };
  const length = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = buffer.readUInt8(skip(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const string = (): string => {
    const bytesOf = length();
    const from = skip(bytesOf);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(buffer.subarray(from, from + bytesOf));
  };
  const read: Readonly<Record<string, () => unknown>> = {
    String: string,
    'LowCardinality(String)': string,
    'Array(String)': () => Array.from({ length: length() }, string),
    UInt32: () => buffer.readUInt32LE(skip(4)),
    UInt64: () => buffer.readBigUInt64LE(skip(8)),
    UInt128: () => buffer.readBigUInt64LE(skip(8)) + (buffer.readBigUInt64LE(skip(8)) << 64n),
    Float64: () => buffer.readDoubleLE(skip(8)),
    Bool: () => [false, true][buffer.readUInt8(skip(1))],
    "DateTime64(3, 'UTC')": () => Number(buffer.readBigInt64LE(skip(8))),
  };
  const rows: Row[] = [];
  while (at < buffer.length) {
    rows.push(
      Object.fromEntries(
        columns.map(([name, type]) => {
          const value = read[type];
          if (value === undefined) throw new TypeError(`rows: no column is of the type ${type}`);
          return [name, value()];
        }),
      ),
    );
  }
  return rows;
}
