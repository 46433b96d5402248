import { fromHex } from '#base/bitcoin/bytes';
import { limits } from '#base/limits';
import { spacedText } from '#base/std/text';

/** A pool's messages, decoded. Hashes in internal order. */
export type PoolMessage =
  | PoolReply
  | { readonly kind: 'notify'; readonly job: NotifiedJob }
  | { readonly kind: 'difficulty'; readonly difficulty: number }
  | { readonly kind: 'extranonce'; readonly extranonce: Extranonce }
  | { readonly kind: 'version-mask'; readonly mask: number }
  | { readonly kind: 'reconnect'; readonly host: string; readonly port: number; readonly waitMs: number }
  | { readonly kind: 'show-message'; readonly text: string }
  | { readonly kind: 'ping'; readonly id: unknown }
  | { readonly kind: 'get-version'; readonly id: unknown }
  | { readonly kind: 'unknown'; readonly method: string }
  | { readonly kind: 'problem'; readonly problem: string };

export interface PoolReply {
  readonly kind: 'reply';
  readonly id: number;
  readonly result: unknown;
  /** Undefined if the reply says `"error":null`. */
  readonly error: { readonly code: number; readonly text: string } | undefined;
}

/** `mining.notify`. */
export interface NotifiedJob {
  readonly id: string;
  /** 32 bytes. */
  readonly previousHash: Uint8Array;
  readonly coinb1: Uint8Array;
  readonly coinb2: Uint8Array;
  /** 32 bytes each. */
  readonly merkleBranch: readonly Uint8Array[];
  /** u32. */
  readonly version: number;
  /** Compact target, u32. */
  readonly bits: number;
  /** UNIX seconds. */
  readonly ntime: number;
  readonly cleanJobs: boolean;
}

/** The pool's part of the extranonce, and how long the miner's is. */
export interface Extranonce {
  readonly extranonce1: Uint8Array;
  readonly extranonce2Bytes: number;
}

const JOB_ID_CHARS_MAX = 128;
const EXTRANONCE_BYTES_MAX = 32;
const TEXT_CHARS_MAX = 256;

const problem = (text: string): PoolMessage => ({ kind: 'problem', problem: text });

/** Decodes one message of a pool; strict, so that a pool's mistake is seen here and not guessed around. */
export function parsePoolMessage(text: string): PoolMessage {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return problem('a message that is no JSON');
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    return problem('a message that is no object');
  }
  const { method, params, id } = message as Record<string, unknown>;
  if (method === undefined) return parseReply(message as Record<string, unknown>);
  if (typeof method !== 'string') return problem('a method that is no string');
  if (!Array.isArray(params)) return problem(`${clip(method)} without a list of params`);
  return parseCall(method, params, id);
}

function parseReply(message: Readonly<Record<string, unknown>>): PoolMessage {
  const { id, error, result } = message;
  if (typeof id !== 'number') return problem('a reply whose id is no number');
  if (error === undefined) return problem('a reply without error');
  if (error === null) {
    if (result === undefined) return problem('a reply without result');
    return { kind: 'reply', id, result, error: undefined };
  }
  const [code, errorText] = Array.isArray(error) ? (error as unknown[]) : [];
  if (!Number.isInteger(code) || typeof errorText !== 'string') {
    return problem('a reply whose error is no [code, text, …]');
  }
  return { kind: 'reply', id, result, error: { code: Number(code), text: clip(errorText) } };
}

function parseCall(method: string, params: readonly unknown[], id: unknown): PoolMessage {
  switch (method) {
    case 'mining.notify':
      return parseNotify(params);
    case 'mining.set_difficulty': {
      const [difficulty] = params;
      if (typeof difficulty !== 'number' || !(difficulty > 0 && difficulty < Number.POSITIVE_INFINITY)) {
        return problem('a difficulty that is no positive number');
      }
      return { kind: 'difficulty', difficulty };
    }
    case 'mining.set_extranonce': {
      const extranonce = parseExtranonce(params[0], params[1]);
      return extranonce ? { kind: 'extranonce', extranonce } : problem('a bad extranonce');
    }
    case 'mining.set_version_mask': {
      const mask = u32(params[0]);
      return mask === undefined ? problem('a version mask that is no 8 hex digits') : { kind: 'version-mask', mask };
    }
    case 'client.reconnect':
      return parseReconnect(params);
    case 'client.show_message':
      return {
        kind: 'show-message',
        text: clip(typeof params[0] === 'string' ? params[0] : JSON.stringify(params[0] ?? '')),
      };
    case 'mining.ping':
      return { kind: 'ping', id };
    case 'client.get_version':
      return { kind: 'get-version', id };
    default:
      return { kind: 'unknown', method: clip(method) };
  }
}

function parseNotify(params: readonly unknown[]): PoolMessage {
  const [id, previous, coinb1Hex, coinb2Hex, branchHex, versionHex, bitsHex, ntimeHex, cleanJobs] = params;
  if (typeof id !== 'string' || id === '' || id.length > JOB_ID_CHARS_MAX) return problem('a job without a usable id');
  const swapped = hexBytes(previous, 32);
  const coinb1 = hexBytes(coinb1Hex);
  const coinb2 = hexBytes(coinb2Hex);
  if (!swapped) return problem('a previous hash that is no 32 bytes');
  if (!coinb1 || !coinb2) return problem('a coinbase part that is no hex');
  if (!Array.isArray(branchHex) || branchHex.length > limits.merkleBranchesMax) return problem('a bad merkle branch');
  const merkleBranch: Uint8Array[] = [];
  for (const each of branchHex) {
    const hash = hexBytes(each, 32);
    if (!hash) return problem('a merkle branch that is no 32 bytes');
    merkleBranch.push(hash);
  }
  const [version, bits, ntime] = [u32(versionHex), u32(bitsHex), u32(ntimeHex)];
  if (version === undefined || bits === undefined || ntime === undefined) {
    return problem('a version, nbits or ntime that is no 8 hex digits');
  }
  if (typeof cleanJobs !== 'boolean') return problem('a clean jobs flag that is no boolean');
  // Stratum reverses each 4-byte word of the previous hash.
  const previousHash = Uint8Array.from(Buffer.from(swapped).swap32());
  return {
    kind: 'notify',
    job: { id, previousHash, coinb1, coinb2, merkleBranch, version, bits, ntime, cleanJobs },
  };
}

function parseReconnect(params: readonly unknown[]): PoolMessage {
  // Left out and null both mean: as it is.
  const [host, port, waitS] = [params[0] ?? '', params[1] ?? 0, params[2] ?? 0];
  const [portNumber, waitNumber] = [numberOf(port), numberOf(waitS)];
  if (typeof host !== 'string' || !Number.isInteger(portNumber) || portNumber < 0 || portNumber > 65_535) {
    return problem('a reconnect to no host and port');
  }
  if (!(waitNumber >= 0 && waitNumber <= 3600)) return problem('a reconnect after no time within an hour');
  return { kind: 'reconnect', host, port: portNumber, waitMs: 1000 * waitNumber };
}

/** A number or its text; NaN for anything else. */
function numberOf(value: unknown): number {
  return typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
}

/** The `[…, extranonce1, extranonce2 size]` of a subscribe's result or a set_extranonce. */
export function parseExtranonce(extranonce1Hex: unknown, extranonce2Bytes: unknown): Extranonce | undefined {
  const extranonce1 = hexBytes(extranonce1Hex);
  if (!extranonce1 || extranonce1.length > EXTRANONCE_BYTES_MAX) return undefined;
  if (typeof extranonce2Bytes !== 'number' || !Number.isInteger(extranonce2Bytes)) return undefined;
  if (extranonce2Bytes < 1 || extranonce2Bytes > EXTRANONCE_BYTES_MAX) return undefined;
  return { extranonce1, extranonce2Bytes };
}

/** A u32 of exactly 8 hex digits, big-endian. */
export function u32(value: unknown): number | undefined {
  return typeof value === 'string' && /^[0-9a-fA-F]{8}$/.test(value) ? Number.parseInt(value, 16) : undefined;
}

function hexBytes(value: unknown, length?: number): Uint8Array | undefined {
  return typeof value === 'string' ? fromHex(value, length) : undefined;
}

/** Foreign text, short and harmless. */
function clip(text: string): string {
  return spacedText(text, TEXT_CHARS_MAX);
}
