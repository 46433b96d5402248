import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Answer } from './response.ts';

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

/** Below it the headers outweigh what is saved. */
const PACKED_BYTES_MIN = 1400;
/** Of 11; higher levels take longer than the network does. */
const BROTLI_QUALITY = 4;
const ETAG_CHARS = 22;
/** Characters of a header that are looked at. */
const HEADER_CHARS_MAX = 1000;

/** A body as it goes out. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly encoding?: 'br' | 'gzip';
  /** Only of an answer that may be kept. */
  readonly etag?: string;
  /** The client has this very body. */
  readonly known: boolean;
}

/** What a request says of the body that it wants; headers as sent. */
export interface Wanted {
  readonly acceptEncoding: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

/**
 * Compresses an answer that may be kept, if it is large, and names it by its content (RFC 9110, ETag). Zlib has threads of its own, so
 * other requests go on. Answers about this very moment go out as they are: their readers are on the same machine.
 */
export async function pack({ body, freshSeconds }: Answer, wanted: Wanted): Promise<Packed> {
  const bytes = Buffer.from(body);
  if (freshSeconds === undefined) return { bytes, known: false };
  const digest = createHash('sha256').update(bytes).digest('base64url').slice(0, ETAG_CHARS);
  // Weak: the compressed body and the plain one have the same name.
  const etag = `W/"${digest}"`;
  if (has(wanted.ifNoneMatch, digest)) return { bytes: new Uint8Array(), etag, known: true };
  if (bytes.length < PACKED_BYTES_MIN) return { bytes, etag, known: false };
  const encodings = encodingsOf(wanted.acceptEncoding);
  if (encodings.has('br')) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
    return { bytes: await brotli(bytes, { params }), encoding: 'br', etag, known: false };
  }
  if (encodings.has('gzip')) return { bytes: await zip(bytes), encoding: 'gzip', etag, known: false };
  return { bytes, etag, known: false };
}

function has(ifNoneMatch: string | undefined, digest: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const names = ifNoneMatch.slice(0, HEADER_CHARS_MAX).split(',', 16);
  return names.some((name) => name.trim().replace(/^W\//, '') === `"${digest}"`);
}

/** The encodings that a client takes; one with `q=0` is refused. */
function encodingsOf(header: string | undefined): ReadonlySet<string> {
  const given = (header ?? '').slice(0, HEADER_CHARS_MAX).toLowerCase().split(',', 16);
  return new Set(
    given.flatMap((each) => {
      const [name = '', ...parameters] = each.split(';').map((part) => part.trim());
      return parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter)) ? [] : [name];
    }),
  );
}
