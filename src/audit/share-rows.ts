import { verdicts } from '#base/domain/verdict';

/**
 * Shares as the audit reads them: RowBinary of a fixed length, so that nothing has to be parsed. Offsets in bytes, numbers
 * little-endian.
 */
export const shareRow = {
  /** Zeros behind it. */
  JOB_ID: 0,
  JOB_ID_BYTES: 24,
  /** Int64, UNIX ms. */
  TIME: 24,
  NTIME: 32,
  NONCE: 36,
  VERSION: 40,
  VARIANT: 44,
  HEIGHT: 48,
  /** Float64. */
  DIFFICULTY: 52,
  /** UInt128. */
  WORK: 60,
  /** Float64. */
  SHARE_DIFFICULTY: 76,
  BLOCK: 84,
  /** 1 + the index in `verdicts`; 0: another word. */
  VERDICT: 85,
  /** 1 if variant and extranonces are such as a header has. */
  WELL_FORMED: 86,
  EXTRANONCE1: 87,
  EXTRANONCE1_BYTES: 4,
  EXTRANONCE2: 91,
  EXTRANONCE2_BYTES: 8,
  /** UInt64, see `COINBASE_SQL`. */
  COINBASE: 99,
  BYTES: 107,
} as const;

/** What is true of a share that was hashed, or says so: no share has these verdicts without its hash. */
export const HASHED_SQL = "(share_difficulty != 0 OR block OR verdict IN ('accepted', 'low-difficulty', 'duplicate'))";

/** Names the coinbase of a share: 0 for its job's own, else a hash of `coinb2`. */
export const COINBASE_SQL = "if(coinb2 = '', 0, sipHash64(coinb2))";

/** The shares of `HASHED_SQL`; `where` limits them further. The accepted ones of a job come first. */
export function shareRowsSql(where: string): string {
  const { JOB_ID_BYTES, EXTRANONCE1_BYTES, EXTRANONCE2_BYTES } = shareRow;
  const bytes = (column: string, count: number): string => `toFixedString(substring(${column}, 1, ${count}), ${count})`;
  const names = verdicts.map((verdict) => `'${verdict}'`).join(', ');
  return `SELECT ${bytes('job_id', JOB_ID_BYTES)} AS id, toInt64(toUnixTimestamp64Milli(time)), ntime, nonce, version, job_variant,
      height, difficulty, work, share_difficulty, toUInt8(block), toUInt8(indexOf([${names}], verdict)) AS code,
      toUInt8(job_variant < 65536 AND length(extranonce1) = 8 AND length(extranonce2) = 16
        AND lower(hex(unhex(extranonce1))) = extranonce1 AND lower(hex(unhex(extranonce2))) = extranonce2),
      ${bytes('unhex(extranonce1)', EXTRANONCE1_BYTES)}, ${bytes('unhex(extranonce2)', EXTRANONCE2_BYTES)},
      toUInt64(${COINBASE_SQL}) AS coinbase
    FROM shares
    WHERE ${where} AND length(job_id) <= ${JOB_ID_BYTES} AND ${HASHED_SQL}
    ORDER BY id, code, coinbase`;
}
