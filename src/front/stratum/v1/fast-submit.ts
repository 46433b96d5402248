import { EXTRANONCE2_BYTES } from '#base/domain/job';
import { limits } from '#base/limits';
import { hexBytes, idEnd, idValue, isCanonicalHex, u32End, u32Value } from './byte-fields.ts';
import { NO_JOB, parseJobRef } from './job-id.ts';
import type { SubmitRequest } from './submit.ts';
import { type FieldPlace, SubmitShape } from './submit-shape.ts';

/**
 * Reads `mining.submit` straight from the bytes, in the form that nearly every client writes: the members `id`, `method` and
 * `params` in any order, a whole number as the id, five or six plain strings, no escapes. The full decoder reads all other
 * forms and all invalid lines, so both decoders always agree; a differential fuzz test checks that. This decoder takes a seventh
 * of the full decoder's time if a line has the shape of the line before, and less than half otherwise (bench/README.md,
 * "parse").
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;
const DELETE = 0x7f;

const NOTHING = new Uint8Array();
const PARAMS_MIN = 5;
const PARAMS_MAX = 6;
/** The shortest line that can be one. */
const LINE_BYTES_MIN = 60;

const METHOD = ascii('"mining.submit"');
const KEY_ID = ascii('"id"');
const KEY_METHOD = ascii('"method"');
const KEY_PARAMS = ascii('"params"');

/** One connection's reader: it keeps the last line's shape and strings, which are nearly always the next one's too. */
export class FastSubmit {
  #shape: SubmitShape | undefined;
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  #end = 0;
  /** Where the id and each parameter begin and end, without quotes. */
  #idBegin = 0;
  #idEnd = 0;
  readonly #begins = new Int32Array(PARAMS_MAX);
  readonly #ends = new Int32Array(PARAMS_MAX);
  #params = 0;
  #id = 0;
  /** Given out for every line, so that a share makes an object less. Its names are those of the last line. */
  readonly #request: { -readonly [Field in keyof SubmitRequest]: SubmitRequest[Field] } & { id: number } = {
    id: 0,
    workerName: '',
    jobName: '',
    serial: NO_JOB.serial,
    variant: NO_JOB.variant,
    extranonce2: NOTHING,
    ntime: 0,
    nonce: 0,
    versionBits: undefined,
    malformed: undefined,
  };

  /**
   * Returns the request in bytes[begin…end), or undefined if the full decoder has to look at the line. The request is valid
   * until the next call. `view` is of the same bytes; a view that serves all lines of a chunk need not be made for each.
   */
  read(bytes: Uint8Array, view: DataView = viewOf(bytes), begin = 0, end = bytes.length): SubmitRequest | undefined {
    if (end - begin < LINE_BYTES_MIN) return undefined;
    const shape = this.#shape;
    if (shape?.fits(bytes, view, begin, end) === true) {
      const request = this.#request;
      request.id = shape.id;
      request.extranonce2 = hexBytes(bytes, shape.extranonce2Begin, shape.extranonce2End);
      request.ntime = shape.ntime;
      request.nonce = shape.nonce;
      request.versionBits = shape.version;
      return request;
    }
    this.#bytes = bytes;
    this.#end = end;
    const { workerName, jobName } = this.#request;
    const request = this.#message(begin) ? this.#decoded() : undefined;
    if (request !== undefined) {
      // A proxy's next line is often another worker's, so a shape is made only of lines that repeat.
      const again = request.workerName === workerName && request.jobName === jobName;
      this.#shape = again ? this.#shapeOf(bytes, begin, end) : undefined;
    }
    // The bytes are only lent.
    this.#bytes = NOTHING;
    return request;
  }

  #shapeOf(bytes: Uint8Array, begin: number, end: number): SubmitShape | undefined {
    const places: FieldPlace[] = [{ field: 'id', begin: this.#idBegin - begin, end: this.#idEnd - begin }];
    for (let param = 2; param < this.#params; param += 1) {
      const field = (['extranonce2', 'ntime', 'nonce', 'version'] as const)[param - 2];
      const place = { begin: (this.#begins[param] ?? 0) - begin, end: (this.#ends[param] ?? 0) - begin };
      if (field) places.push({ field, ...place });
    }
    places.sort((a, b) => a.begin - b.begin);
    return SubmitShape.of(bytes.subarray(begin, end), places);
  }

  /** True if the line is a whole message of the one shape; its places are then known. */
  #message(begin: number): boolean {
    const bytes = this.#bytes;
    this.#at = begin + 1;
    if (bytes[begin] !== OPEN_OBJECT) return false;
    let seen = 0;
    for (;;) {
      this.#skipSpaces();
      const member = this.#member();
      // Each of the three once: for a name that comes twice JSON has rules of its own.
      if (member === 0 || (seen & member) !== 0) return false;
      seen |= member;
      this.#skipSpaces();
      const next = bytes[this.#at];
      this.#at += 1;
      if (next === COMMA) continue;
      if (next !== CLOSE_OBJECT || seen !== 7) return false;
      this.#skipSpaces();
      return this.#at === this.#end;
    }
  }

  /** Reads a name and its value: 1 for the id, 2 for the method, 4 for the parameters, 0 for anything else. */
  #member(): number {
    if (this.#literal(KEY_PARAMS)) return this.#colon() && this.#list() ? 4 : 0;
    if (this.#literal(KEY_ID)) return this.#colon() && this.#number() ? 1 : 0;
    if (this.#literal(KEY_METHOD)) return this.#colon() && this.#literal(METHOD) ? 2 : 0;
    return 0;
  }

  #skipSpaces(): void {
    while (this.#bytes[this.#at] === SPACE) this.#at += 1;
  }

  #literal(text: Uint8Array): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    for (let index = 0; index < text.length; index += 1) if (bytes[at + index] !== text[index]) return false;
    this.#at = at + text.length;
    return true;
  }

  #colon(): boolean {
    this.#skipSpaces();
    if (this.#bytes[this.#at] !== COLON) return false;
    this.#at += 1;
    this.#skipSpaces();
    return true;
  }

  /** A whole number without sign; JSON has no leading zeros. */
  #number(): boolean {
    const bytes = this.#bytes;
    const begin = this.#at;
    const end = idEnd(bytes, begin);
    if (end < 0) return false;
    const after = bytes[end];
    if (after !== COMMA && after !== CLOSE_OBJECT && after !== SPACE) return false;
    this.#id = idValue(bytes, begin, end);
    this.#idBegin = begin;
    this.#idEnd = end;
    this.#at = end;
    return true;
  }

  /** Five or six strings of printable ASCII without spaces, quotes and escapes. */
  #list(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== OPEN_LIST) return false;
    this.#at += 1;
    for (let count = 0; count < PARAMS_MAX; count += 1) {
      this.#skipSpaces();
      if (bytes[this.#at] !== QUOTE) return false;
      const begin = this.#at + 1;
      let end = begin;
      for (let code = bytes[end] ?? 0; code !== QUOTE; code = bytes[end] ?? 0) {
        if (code <= SPACE || code >= DELETE || code === BACKSLASH) return false;
        end += 1;
      }
      this.#begins[count] = begin;
      this.#ends[count] = end;
      this.#at = end + 1;
      this.#skipSpaces();
      const next = bytes[this.#at];
      this.#at += 1;
      if (next === CLOSE_LIST) {
        this.#params = count + 1;
        return this.#params >= PARAMS_MIN;
      }
      if (next !== COMMA) return false;
    }
    return false;
  }

  #decoded(): SubmitRequest | undefined {
    const ntime = this.#u32(3);
    const nonce = this.#u32(4);
    const versionBits = this.#params === PARAMS_MAX ? this.#u32(5) : undefined;
    if (ntime < 0 || nonce < 0 || (versionBits !== undefined && versionBits < 0)) return undefined;
    if (this.#length(0) > limits.workerNameCharsMax || this.#length(1) > limits.jobIdCharsMax) return undefined;
    if (this.#length(0) === 0 || this.#length(1) === 0 || !this.#isLowerHex(2)) return undefined;
    const request = this.#request;
    const jobName = this.#text(1, request.jobName);
    if (jobName !== request.jobName) {
      const { serial, variant } = parseJobRef(jobName);
      request.serial = serial;
      request.variant = variant;
    }
    request.id = this.#id;
    request.workerName = this.#text(0, request.workerName);
    request.jobName = jobName;
    request.extranonce2 = hexBytes(this.#bytes, this.#begins[2] ?? 0, this.#ends[2] ?? 0);
    request.ntime = ntime;
    request.nonce = nonce;
    request.versionBits = versionBits;
    return request;
  }

  #length(param: number): number {
    return (this.#ends[param] ?? 0) - (this.#begins[param] ?? 0);
  }

  /** A parameter of one to eight hex digits; -1 for another. */
  #u32(param: number): number {
    const begin = this.#begins[param] ?? 0;
    const end = this.#ends[param] ?? 0;
    return u32End(this.#bytes, begin) === end ? u32Value(this.#bytes, begin, end) : -1;
  }

  /** Whether an extranonce2 is in its canonical form already: whole bytes in lower-case hex. */
  #isLowerHex(param: number): boolean {
    const length = this.#length(param);
    if (length === 0 || length > 2 * EXTRANONCE2_BYTES || length % 2 !== 0) return false;
    return isCanonicalHex(this.#bytes, this.#begins[param] ?? 0, this.#ends[param] ?? 0);
  }

  /** The parameter as a string; `last` itself if they are equal. */
  #text(param: number, last: string): string {
    const bytes = this.#bytes;
    const begin = this.#begins[param] ?? 0;
    const end = this.#ends[param] ?? 0;
    if (last.length === end - begin) {
      let same = 0;
      while (same < last.length && last.charCodeAt(same) === bytes[begin + same]) same += 1;
      if (same === last.length) return last;
    }
    return latin1Slice.call(bytes, begin, end);
  }
}

/** Makes a string of bytes without a copy in between; works on any Uint8Array. */
const latin1Slice = Buffer.prototype.latin1Slice as (this: Uint8Array, begin: number, end: number) => string;

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Keeps the view of the bytes that were last asked for: the lines of a chunk come one after another. */
export class LastView {
  #bytes: Uint8Array = NOTHING;
  #view = viewOf(NOTHING);

  of(bytes: Uint8Array): DataView {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = viewOf(bytes);
    }
    return this.#view;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
