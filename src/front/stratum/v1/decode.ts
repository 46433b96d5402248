import type { Difficulty } from '#base/domain/difficulty';
import { limits } from '#base/limits';
import { cleanText } from '#base/std/text';
import { decodeConfigure } from './configure.ts';
import { suggestedDifficulty, suggestedTarget } from './difficulty.ts';
import { type RawMessage, readMessage } from './json.ts';
import type { Message, ProtocolError, Request } from './message.ts';
import { type RequestId, readId } from './request-id.ts';
import { decodeSubmit } from './submit.ts';
import { decodeSubscribe } from './subscribe.ts';

/** Reads a method's parameters; returns a string that describes the error. */
type Decoder = (id: RequestId, params: readonly unknown[]) => Request | string;

/** A Map, so that a method named after a member of Object.prototype is unknown like any other. */
const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['mining.submit', (id, params) => ({ kind: 'submit', request: decodeSubmit(id, params) })],
  ['mining.subscribe', decodeSubscribe],
  [
    'mining.authorize',
    (id, [user, password]) => {
      const name = textOr(user, limits.workerNameCharsMax);
      if (name === '') return 'a worker name is expected';
      return { kind: 'authorize', id, name, password: textOr(password, limits.passwordCharsMax) };
    },
  ],
  ['mining.configure', decodeConfigure],
  ['mining.suggest_difficulty', suggestion(suggestedDifficulty, 'a positive difficulty is expected')],
  ['mining.suggest_target', suggestion(suggestedTarget, 'a target of up to 64 hex digits is expected')],
  ['mining.extranonce.subscribe', (id) => ({ kind: 'extranonce-subscribe', id })],
  ['mining.ping', (id) => ({ kind: 'ping', id })],
  ['mining.get_transactions', (id) => ({ kind: 'transactions', id })],
  ['mining.get_txnhashes', (id) => ({ kind: 'transactions', id })],
  ['mining.multi_version', (id) => ({ kind: 'acknowledge', id })],
  ['mining.capabilities', (id) => ({ kind: 'acknowledge', id })],
]);

/** Every method that is answered with something other than -32601. */
export const methods: readonly string[] = [...decoders.keys()];

/** Decodes one message (UTF-8 JSON, line ending optional). Any bytes give an answer; nothing throws. */
export function decodeMessage(bytes: Uint8Array): Message {
  const message = readMessage(bytes);
  if (message === 'no-json') return failure(null, 'unparsable', 'Parse error');
  if (message === 'no-object') return failure(null, 'invalid-request', 'Invalid request: an object is expected');
  const { raw, text } = message;
  const id = readId(raw.id, text);
  if (id === undefined)
    return failure(null, 'invalid-request', 'Invalid request: the id is no string or number, or too long');
  return decodeCall(id, raw);
}

function decodeCall(id: RequestId, raw: RawMessage): Message {
  const { method, params } = raw;
  if (method === undefined || method === null) {
    if (raw.result !== undefined || raw.error !== undefined) return { kind: 'reply', id, text: replyText(raw.result) };
    return failure(id, 'invalid-request', 'Invalid request: no method');
  }
  // ESP-Miner answers a ping with a request; an error for it would count as a rejected share there.
  if (method === 'pong') return { kind: 'reply', id, text: undefined };
  const decoder = typeof method === 'string' ? decoders.get(method) : undefined;
  if (decoder === undefined) return failure(id, 'unknown-method', 'Method not found');
  // Left out, null and {} all mean no parameters; a share without a list is malformed by its first field.
  const request = decoder(id, Array.isArray(params) ? params : []);
  return typeof request === 'string' ? failure(id, 'bad-params', `Bad parameters: ${request}`) : request;
}

const codes = { unparsable: -32700, 'invalid-request': -32600, 'unknown-method': -32601, 'bad-params': 20 } as const;

function failure(id: RequestId, fault: ProtocolError['fault'], text: string): ProtocolError {
  return { kind: 'error', id, fault, code: codes[fault], text };
}

function replyText(result: unknown): string | undefined {
  return typeof result === 'string' ? cleanText(result, limits.userAgentCharsMax) : undefined;
}

function textOr(value: unknown, charsMax: number): string {
  return typeof value === 'string' ? cleanText(value, charsMax) : '';
}

function suggestion(read: (value: unknown) => Difficulty | undefined, expected: string): Decoder {
  return (id, [value]) => {
    const difficulty = read(value);
    return difficulty === undefined ? expected : { kind: 'suggest-difficulty', id, difficulty };
  };
}
