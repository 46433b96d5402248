import { EXTRANONCE2_BYTES } from '#base/domain/job';
import type { Verdict } from '#base/domain/verdict';
import { asciiJson } from '#base/std/text';
import type { TurnedAway } from '#front/session/subscription';
import { errorWords, OTHER } from './errors.ts';
import { u32Hex } from './hex.ts';
import { encodeId, type RequestId } from './request-id.ts';

/**
 * The pool's messages, as JSON without line ending. Every message is ASCII. A success has `"error":null`, because NiceHash and
 * others treat a missing member as a failure.
 */

/** A result that is JSON already. */
function result(id: RequestId, json: string): string {
  return `{"id":${encodeId(id)},"result":${json},"error":null}`;
}

/** "Yes": an accepted share, an authorised worker. */
export function encodeTrue(id: RequestId): string {
  return result(id, 'true');
}

export function encodePong(id: RequestId): string {
  return result(id, '"pong"');
}

/** The reply to `mining.subscribe`. `extranonce1` is hex. */
export function encodeSubscribed(id: RequestId, sessionId: string, extranonce1: string): string {
  const topics = `[["mining.set_difficulty","${sessionId}"],["mining.notify","${sessionId}"]]`;
  return result(id, `[${topics},"${extranonce1}",${EXTRANONCE2_BYTES}]`);
}

/** The reply to `mining.configure`: a member per answer, in order. */
export function encodeConfigured(id: RequestId, answers: ReadonlyMap<string, boolean | string>): string {
  const members = Array.from(answers, ([name, value]) => `${asciiJson(name)}:${asciiJson(value)}`);
  return result(id, `{${members.join(',')}}`);
}

/** An error that is no verdict on a share. */
export function encodeError(id: RequestId, code: number, text: string): string {
  return `{"id":${encodeId(id)},"result":null,"error":[${code},${asciiJson(text)},null]}`;
}

/** A refusal with its reason beside the error. */
function encodeRefusal(id: RequestId, code: number, text: string, reason: string): string {
  const error = `[${code},${asciiJson(text)},null]`;
  return `{"id":${encodeId(id)},"result":null,"error":${error},"reject-reason":${asciiJson(reason)}}`;
}

/** The reply to a share, by its verdict. */
export function encodeVerdict(id: RequestId, verdict: Verdict): string {
  if (verdict === 'accepted') return encodeTrue(id);
  const { code, text } = errorWords[verdict];
  return encodeRefusal(id, code, text, verdict);
}

/** The reply to a client or a worker that may not mine here; `reason` is a sentence that says why. */
export function encodeRefused(id: RequestId, reason: string): string {
  const { code, text } = errorWords.unauthorized;
  return encodeRefusal(id, code, text, reason);
}

/** The reply to a client whose connection is then closed. */
export function encodeTurnedAway(id: RequestId, why: TurnedAway): string {
  if (why === 'no-extranonce') return encodeError(id, OTHER, 'No extranonce is free, try again later');
  return encodeRefused(id, 'the signature is not NiceHash’s');
}

export function encodeSetDifficulty(difficulty: number): string {
  return `{"id":null,"method":"mining.set_difficulty","params":[${difficulty}]}`;
}

export function encodeSetVersionMask(mask: number): string {
  return `{"id":null,"method":"mining.set_version_mask","params":["${u32Hex(mask)}"]}`;
}

/** `extranonce1` is hex. */
export function encodeSetExtranonce(extranonce1: string): string {
  return `{"id":null,"method":"mining.set_extranonce","params":["${extranonce1}",${EXTRANONCE2_BYTES}]}`;
}

/** Whether the client is still there: only for those that answer. */
export function encodePing(id: number): string {
  return `{"id":${id},"method":"mining.ping","params":[]}`;
}

/** What software it is; the reply is a text. */
export function encodeGetVersion(id: number): string {
  return `{"id":${id},"method":"client.get_version","params":[]}`;
}

/** A text for the miner's display. */
export function encodeShowMessage(text: string): string {
  return `{"id":null,"method":"client.show_message","params":[${asciiJson(text)}]}`;
}

/**
 * Come again in so many seconds, to the same host and port: null is the only way to say so that clients obey. An empty host is
 * to cgminer one outside the pool's own domain, and port 0 to BFGMiner a port.
 */
export function encodeReconnect(waitSeconds: number): string {
  return `{"id":null,"method":"client.reconnect","params":[null,null,${waitSeconds}]}`;
}
