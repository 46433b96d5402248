import type { Network } from '../bitcoin/address.ts';
import { fromDisplayHash, fromHex, toDisplayHash } from '../bitcoin/bytes.ts';
import { HEADER_BYTES, headerHash } from '../bitcoin/header.ts';
import type { Clock, SubmitOutcome } from '../domain/ports.ts';
import type { BlockTemplate } from '../domain/template.ts';
import type { RpcAnswer, RpcClient } from './rpc.ts';
import { PARENT_UNKNOWN, readSubmitAnswer } from './submit.ts';
import { decodeTemplate, type TransactionsByHash } from './template-decoder.ts';

/**
 * Whether templates can be had from a node. `fatal`: only the operator can mend it, as a wrong network or password.
 * `chainwork` is the work of its best chain, 64 hex digits, so that two of them compare as text.
 */
export type Health =
  | { readonly ready: true; readonly chainwork: string }
  | { readonly ready: false; readonly reason: string; readonly fatal: boolean };

export interface UpstreamOptions {
  readonly network: Network;
  /** How long a poll may take. */
  readonly pollTimeoutMs: number;
  readonly templateTimeoutMs: number;
}

type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** What `chain` getblockchaininfo shows for each network. */
const chainOf = {
  main: 'main',
  testnet4: 'testnet4',
  signet: 'signet',
  regtest: 'regtest',
} as const satisfies Record<Network, string>;

const SMALL_ANSWER_BYTES_MAX = 1 << 20;
/** A full block is 8 MB as hex, and each transaction brings a few hundred bytes of JSON beside it. */
const TEMPLATE_ANSWER_BYTES_MAX = 64 << 20;
const SUBMIT_TIMEOUT_MS = 15_000;
/** Pauses between tries to hand a block to a node that does not answer. */
const SUBMIT_RETRIES_MS = [250, 500, 1000, 2000, 4000];
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 8000;

/** One of the configured nodes: its calls, and what is known of its health. */
export class Upstream {
  readonly name: string;
  readonly #options: UpstreamOptions;
  readonly #rpc: RpcClient;
  readonly #clock: Clock;
  #health: Health = { ready: false, reason: 'not asked yet', fatal: false };
  #failuresInRow = 0;
  #retryAtMs = 0;
  /** Of the last template. */
  #transactions: TransactionsByHash = new Map();

  constructor(options: UpstreamOptions, modules: { readonly rpc: RpcClient; readonly clock: Clock }) {
    this.#options = options;
    this.#rpc = modules.rpc;
    this.#clock = modules.clock;
    this.name = modules.rpc.name;
  }

  get health(): Health {
    return this.#health;
  }

  /** Asks for the chain and its state. A node that just failed to serve is believed only after a pause. */
  async check(): Promise<void> {
    const answer = await this.#poll('getblockchaininfo');
    const health = answer.ok ? readHealth(answer.result, this.#options.network) : this.#unhealthy(answer);
    if (health.ready && this.#clock.monotonicMs() < this.#retryAtMs) return;
    this.#health = health;
  }

  /** The hash of the best block, 32 bytes in internal order. */
  async tip(): Promise<Result<Uint8Array>> {
    const answer = await this.#poll('getbestblockhash');
    if (!answer.ok) return this.#failed(this.#unhealthy(answer));
    const hash = typeof answer.result === 'string' ? fromDisplayHash(answer.result) : undefined;
    if (hash === undefined) return this.#failed(notReady('getbestblockhash: no hash'));
    return { ok: true, value: hash };
  }

  async template(): Promise<Result<BlockTemplate>> {
    const rules = this.#options.network === 'signet' ? ['segwit', 'signet'] : ['segwit'];
    const askedMs = this.#clock.monotonicMs();
    const answer = await this.#rpc.call({
      method: 'getblocktemplate',
      params: [{ rules }],
      timeoutMs: this.#options.templateTimeoutMs,
      answerBytesMax: TEMPLATE_ANSWER_BYTES_MAX,
    });
    if (!answer.ok) return this.#failed(this.#unhealthy(answer));
    const decoded = decodeTemplate(answer.result, this.#options.network, this.#transactions);
    if (!decoded.ok) return this.#failed(notReady(decoded.reason, decoded.fatal));
    this.#failuresInRow = 0;
    this.#transactions = decoded.transactions;
    return { ok: true, value: { ...decoded.template, askedMs } };
  }

  /** Hands over a block (hex) and asks again while the node does not judge it; `unknown` after the last try. */
  async submit(
    block: string,
    pause: (ms: number) => Promise<void>,
    retriesMs: readonly number[] = SUBMIT_RETRIES_MS,
  ): Promise<SubmitOutcome> {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#rpc.call({
        method: 'submitblock',
        params: [block],
        timeoutMs: SUBMIT_TIMEOUT_MS,
        answerBytesMax: SMALL_ANSWER_BYTES_MAX,
        urgent: true,
      });
      // The node has it from before: from a first try whose answer was lost, or for so long that it may be off the chain.
      if (answer.ok && answer.result === 'duplicate') return this.#standing(block);
      const outcome = readSubmitAnswer(answer);
      if (outcome) return outcome;
      const pauseMs = retriesMs[attempt];
      if (pauseMs === undefined) {
        return { status: 'unknown', reason: unjudged(answer) };
      }
      await pause(pauseMs);
    }
  }

  /** Where a block stands that the node knows to be valid; on its chain, where it does not say otherwise. */
  async #standing(block: string): Promise<SubmitOutcome> {
    const header = fromHex(block.slice(0, 2 * HEADER_BYTES)) ?? new Uint8Array();
    const answer = await this.#rpc.call({
      method: 'getblockheader',
      params: [toDisplayHash(headerHash(header))],
      timeoutMs: SUBMIT_TIMEOUT_MS,
      answerBytesMax: SMALL_ANSWER_BYTES_MAX,
      urgent: true,
    });
    const { confirmations } = (answer.ok ? answer.result : {}) as { readonly confirmations?: unknown };
    const off = typeof confirmations === 'number' && confirmations < 0;
    return off ? { status: 'orphaned', reason: 'known, and not on the best chain' } : { status: 'accepted' };
  }

  close(): void {
    this.#rpc.close();
  }

  #poll(method: string): Promise<RpcAnswer> {
    return this.#rpc.call({
      method,
      timeoutMs: this.#options.pollTimeoutMs,
      answerBytesMax: SMALL_ANSWER_BYTES_MAX,
    });
  }

  /** A failure to serve takes the node out at once, for longer each time in a row. */
  #failed(health: Health & { readonly ready: false }): { readonly ok: false; readonly reason: string } {
    this.#health = health;
    const backoffMs = Math.min(BACKOFF_MS_MIN * 2 ** this.#failuresInRow, BACKOFF_MS_MAX);
    this.#failuresInRow += 1;
    this.#retryAtMs = this.#clock.monotonicMs() + backoffMs;
    return { ok: false, reason: health.reason };
  }

  #unhealthy(answer: RpcAnswer & { readonly ok: false }): Health & { readonly ready: false } {
    const { kind, message } = answer.failure;
    return notReady(message, kind === 'unauthorized' && this.#rpc.fixedCredentials);
  }
}

function notReady(reason: string, fatal = false): Health & { readonly ready: false } {
  return { ready: false, reason, fatal };
}

function readHealth(answer: unknown, network: Network): Health {
  const fields = typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {};
  const { chain, initialblockdownload, chainwork, blocks, headers } = fields;
  if (typeof chain !== 'string') return notReady('getblockchaininfo: chain is no name');
  if (chain !== chainOf[network]) {
    return notReady(`it serves the chain "${chain.slice(0, 40)}", but the pool is for ${network}`, true);
  }
  if (typeof chainwork !== 'string' || !/^[0-9a-f]{64}$/.test(chainwork)) {
    return notReady('getblockchaininfo: chainwork is no 64 hex digits');
  }
  // A regtest node counts as in initial download whenever its last block is a day old, but serves all the same.
  if (initialblockdownload === true && network !== 'regtest') {
    return notReady(`it is still downloading the chain (${String(blocks)} of ${String(headers)} blocks)`);
  }
  return { ready: true, chainwork };
}

/** Why a node has not judged a block. */
function unjudged(answer: RpcAnswer): string {
  if (!answer.ok) return answer.failure.message;
  return answer.result === PARENT_UNKNOWN ? PARENT_UNKNOWN : 'submitblock: no answer known';
}
