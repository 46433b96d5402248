/**
 * Why a call has no result.
 * `unreachable`: the connection failed, or the node is too busy to answer (HTTP 5xx without JSON). A repeat may work.
 * `late`: no answer came in time.
 * `unauthorized`: the node refuses the user name or password (HTTP 401).
 * `forbidden`: the node does not allow this method, or this host (HTTP 403).
 * `error`: the node answered with an RPC error (`code`).
 * `malformed`: the answer is not JSON-RPC.
 */
export interface RpcFailure {
  readonly kind: 'unreachable' | 'late' | 'unauthorized' | 'forbidden' | 'error' | 'malformed';
  /** JSON-RPC error code (Bitcoin Core, rpc/protocol.h), for `error` only. */
  readonly code: number | undefined;
  readonly message: string;
}

export type RpcAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly failure: RpcFailure };

/**
 * An answer's meaning. bitcoind sends 401 and 403 without a body, 503 as plain text, and RPC errors as JSON under 4xx and
 * 5xx (Bitcoin Core, httprpc.cpp).
 */
export function readAnswer(method: string, status: number, body: string): RpcAnswer {
  if (status === 401) return failed('unauthorized', 'it refuses the user name or password (HTTP 401)');
  if (status === 403) {
    return failed('forbidden', `it does not allow ${method} (HTTP 403): see its rpcwhitelist and rpcallowip`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    answer = undefined;
  }
  if (typeof answer !== 'object' || answer === null) {
    return status >= 500
      ? failed('unreachable', `HTTP ${status}`)
      : failed('malformed', `HTTP ${status}, not JSON-RPC`);
  }
  const error = 'error' in answer ? answer.error : undefined;
  if (typeof error === 'object' && error !== null) {
    const code = 'code' in error && typeof error.code === 'number' ? error.code : undefined;
    const message =
      'message' in error && typeof error.message === 'string' ? error.message.slice(0, 500) : 'no message';
    return { ok: false, failure: { kind: 'error', code, message } };
  }
  return 'result' in answer ? { ok: true, result: answer.result } : failed('malformed', 'an answer without a result');
}

export function failed(kind: RpcFailure['kind'], message: string): RpcAnswer {
  return { ok: false, failure: { kind, code: undefined, message } };
}
