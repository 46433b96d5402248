import type { Difficulty } from '#base/domain/difficulty';
import type { Signature } from '#front/session/login/nicehash';
import type { RequestId } from './request-id.ts';
import type { SubmitRequest } from './submit.ts';

/** The messages of a client. */
export type Message = Request | ClientReply | ProtocolError;

/** One thing that mining.configure asks for (BIP310). */
export type Extension =
  | { readonly kind: 'version-rolling'; readonly mask: number }
  | { readonly kind: 'minimum-difficulty'; readonly difficulty: Difficulty }
  | { readonly kind: 'subscribe-extranonce' }
  | { readonly kind: 'info' }
  | { readonly kind: 'unsupported'; readonly name: string }
  /** One that this pool has, asked for with an option that makes no sense. */
  | { readonly kind: 'faulty'; readonly name: string; readonly fault: string };

export type Request =
  | {
      readonly kind: 'subscribe';
      readonly id: RequestId;
      readonly userAgent: string;
      /** Of an earlier subscription that the client wants to go on with: 16 hex digits in lower case. */
      readonly sessionId: string | undefined;
      readonly signature: Signature | undefined;
    }
  | { readonly kind: 'authorize'; readonly id: RequestId; readonly name: string; readonly password: string }
  | { readonly kind: 'submit'; readonly request: SubmitRequest }
  | { readonly kind: 'configure'; readonly id: RequestId; readonly extensions: readonly Extension[] }
  /** Also `mining.suggest_target`, whose target is turned into its difficulty. Positive and finite. */
  | { readonly kind: 'suggest-difficulty'; readonly id: RequestId; readonly difficulty: Difficulty }
  | { readonly kind: 'extranonce-subscribe'; readonly id: RequestId }
  | { readonly kind: 'ping'; readonly id: RequestId }
  | { readonly kind: 'transactions'; readonly id: RequestId }
  /** Known, of no use here, and answered with true: `mining.multi_version`, `mining.capabilities`. */
  | { readonly kind: 'acknowledge'; readonly id: RequestId };

/** The client's answer to something the pool sent. */
export interface ClientReply {
  readonly kind: 'reply';
  readonly id: RequestId;
  /** Its result where that is a text, cleaned; a version, say. */
  readonly text: string | undefined;
}

/**
 * Why a message gets an error: `unparsable` is no JSON or nests too deep, `invalid-request` is no JSON-RPC request,
 * `unknown-method` and `bad-params` say themselves. A malformed share is none of these: it gets a verdict.
 */
export type ProtocolFault = 'unparsable' | 'invalid-request' | 'unknown-method' | 'bad-params';

export interface ProtocolError {
  readonly kind: 'error';
  readonly id: RequestId;
  readonly fault: ProtocolFault;
  /** JSON-RPC 2.0's code if there is one; Stratum's 20 ("other") for bad parameters. */
  readonly code: -32700 | -32600 | -32601 | 20;
  readonly text: string;
}
