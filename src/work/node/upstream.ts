import type { Network } from '#base/bitcoin/address';
import { fromDisplayHash, fromHex, toDisplayHash } from '#base/bitcoin/bytes';
import { HEADER_BYTES, headerHash } from '#base/bitcoin/header';
import type { Clock, Standing, SubmitOutcome } from '#base/domain/ports';
import type { BlockTemplate } from '#base/domain/template';
import { BlockTimes } from './block-times.ts';
import type { RpcAnswer, RpcCall, RpcClient } from './rpc.ts';
import { OFF_CHAIN, readStanding } from './standings.ts';
import { DUPLICATE, PARENT_UNKNOWN, readSubmitAnswer } from './submit.ts';
import type { TemplateReader } from './template-thread.ts';

/**
 * Whether a node can give templates.
 * `chainwork` is the work of its best chain, 64 hex digits, so that two of them compare as text.
 * `fatal`: only the operator can mend it, as a wrong network or password.
 */
export type Health = Ready | Unready;
export interface Ready {
  readonly ready: true;
  readonly chainwork: string;
}
export interface Unready {
  readonly ready: false;
  readonly reason: string;
  readonly fatal: boolean;
}

export interface UpstreamModules {
  readonly rpc: RpcClient;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly pause: (ms: number) => Promise<void>;
  readonly templates: TemplateReader;
}

type Result<T> =
  | { readonly ok: true; readonly value: T }
  | ({ readonly ok: false } & Pick<Unready, 'reason' | 'fatal'>);

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
const STANDING_TIMEOUT_MS = 5_000;
/** Pauses between tries to hand a block to a node that does not answer. */
const SUBMIT_RETRIES_MS = [250, 500, 1000, 2000, 4000];
/**
 * Time limits of calls. They are long, because bitcoind does not answer while it connects a block, and a template of a full mempool
 * takes seconds on a small machine. The feed asks another node meanwhile, so the limits only detect a node that hangs.
 */
const POLL_TIMEOUT_MS = 15_000;
const TEMPLATE_TIMEOUT_MS = 60_000;
/** A call whose connection failed, or that met a full work queue (HTTP 503), is repeated once after this pause. */
const REPEAT_MS = 100;
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 8000;
/** Calls that come after the first template, with arguments that change nothing: a missing right shows at the start. */
const PROBES: readonly Pick<RpcCall, 'method' | 'params'>[] = [
  { method: 'getbestblockhash', params: [] },
  { method: 'submitblock', params: ['00'] },
  { method: 'getblockheader', params: ['00'.repeat(32)] },
];

/** One of the configured nodes: its calls, and its health. */
export class Upstream {
  readonly name: string;
  readonly #network: Network;
  readonly #rpc: RpcClient;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #pause: (ms: number) => Promise<void>;
  #health: Health = { ready: false, reason: 'not asked yet', fatal: false };
  #chainwork = '';
  #failuresInRow = 0;
  #retryAtMs = 0;
  #delaysInRow = 0;
  #slowUntilMs = 0;
  #permitted = false;
  readonly #templates: TemplateReader;
  readonly #blockTimes: BlockTimes;

  constructor(network: Network, { rpc, clock, pause, templates }: UpstreamModules) {
    this.#network = network;
    this.#rpc = rpc;
    this.#clock = clock;
    this.#pause = pause;
    this.#templates = templates;
    this.#blockTimes = new BlockTimes((hash) => this.#poll('getblockheader', [toDisplayHash(hash)]));
    this.name = rpc.name;
  }

  /** Calls of this node that wait for a connection. */
  get queues(): RpcClient['queues'] {
    return this.#rpc.queues;
  }

  get health(): Health {
    return this.#health;
  }

  /** As getblockchaininfo names the pool's network. */
  get chainName(): string {
    return chainOf[this.#network];
  }

  /** The work of its best chain when it was last ready, 64 hex digits; empty if it never was. */
  get chainwork(): string {
    return this.#chainwork;
  }

  /** True if the node kept the feed waiting lately: another one that is not slow is asked first. */
  get slow(): boolean {
    return this.#clock.monotonicMs() < this.#slowUntilMs;
  }

  /** Asks for the chain and its state. A node that just failed to serve is believed only after a pause. */
  async check(): Promise<void> {
    const answer = await this.#poll('getblockchaininfo');
    const told = answer.ok ? readHealth(answer.result, this.#network) : this.#unhealthy(answer);
    const health = told.ready ? ((await this.#forbidden()) ?? told) : told;
    if (health.ready) this.#chainwork = health.chainwork;
    if (health.ready && this.#clock.monotonicMs() < this.#retryAtMs) return;
    this.#health = health;
  }

  /** The hash of the best block, 32 bytes in internal order. */
  async tip(): Promise<Result<Uint8Array>> {
    const answer = await this.#poll('getbestblockhash');
    if (!answer.ok) return { ok: false, ...this.#unhealthy(answer) };
    const hash = typeof answer.result === 'string' ? fromDisplayHash(answer.result) : undefined;
    return hash === undefined ? { ok: false, ...notReady('getbestblockhash: no hash') } : { ok: true, value: hash };
  }

  async template(): Promise<Result<BlockTemplate>> {
    const rules = this.#network === 'signet' ? ['segwit', 'signet'] : ['segwit'];
    const askedMs = this.#clock.monotonicMs();
    const answer = await this.#ask({
      method: 'getblocktemplate',
      params: [{ rules }],
      timeoutMs: TEMPLATE_TIMEOUT_MS,
      answerBytesMax: TEMPLATE_ANSWER_BYTES_MAX,
      unread: true,
    });
    if (!answer.ok) return { ok: false, ...this.#unhealthy(answer) };
    const read = await this.#templates.read(answer.result as Uint8Array);
    if (!read.ok) return read;
    this.#failuresInRow = 0;
    const template = { ...read.template, askedMs };
    return { ok: true, value: this.#network === 'testnet4' ? await this.#blockTimes.bound(template) : template };
  }

  /** A failure to serve takes the node out at once, for longer each time in a row. */
  failed(reason: string, fatal: boolean): void {
    this.#health = notReady(reason, fatal);
    this.#retryAtMs = this.#clock.monotonicMs() + backoffMs(this.#failuresInRow);
    this.#failuresInRow += 1;
  }

  /** The node keeps the feed waiting. */
  delayed(): void {
    if (this.slow) return;
    this.#slowUntilMs = this.#clock.monotonicMs() + backoffMs(this.#delaysInRow);
    this.#delaysInRow += 1;
  }

  /** The node answered without delay. */
  prompt(): void {
    this.#delaysInRow = 0;
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
      const isDuplicate = answer.ok && answer.result === DUPLICATE;
      const outcome = isDuplicate ? await this.#duplicate(block) : readSubmitAnswer(answer);
      if (outcome) return outcome;
      const pauseMs = retriesMs[attempt];
      if (pauseMs === undefined) {
        return { status: 'unknown', reason: unjudged(answer) };
      }
      await pause(pauseMs);
    }
  }

  /** Where a block (display hash) stands in the node's chain; `unknown` if the node does not say. */
  async standing(hash: string, urgent = false): Promise<Standing> {
    const answer = await this.#rpc.call({
      method: 'getblockheader',
      params: [hash],
      timeoutMs: STANDING_TIMEOUT_MS,
      answerBytesMax: SMALL_ANSWER_BYTES_MAX,
      urgent,
    });
    return readStanding(answer, hash);
  }

  /** Any call that changes nothing; never rejects. */
  question(method: string, params: readonly unknown[], answerBytesMax: number): Promise<RpcAnswer> {
    return this.#rpc.call({ method, params, timeoutMs: POLL_TIMEOUT_MS, answerBytesMax });
  }

  /** The status of a block that the node has; undefined if the node lacks it, or does not answer. */
  async #duplicate(block: string): Promise<SubmitOutcome | undefined> {
    const header = fromHex(block.slice(0, 2 * HEADER_BYTES)) ?? new Uint8Array();
    const { at } = await this.standing(toDisplayHash(headerHash(header)), true);
    if (at === 'chain') return { status: 'accepted' };
    return at === 'side' ? { status: 'orphaned', reason: OFF_CHAIN } : undefined;
  }

  close(): void {
    this.#rpc.close();
  }

  #poll(method: string, params: readonly unknown[] = []): Promise<RpcAnswer> {
    return this.#ask({ method, params, timeoutMs: POLL_TIMEOUT_MS, answerBytesMax: SMALL_ANSWER_BYTES_MAX });
  }

  async #ask(call: RpcCall): Promise<RpcAnswer> {
    const answer = await this.#rpc.call(call);
    if (answer.ok || answer.failure.kind !== 'unreachable') return answer;
    await this.#pause(REPEAT_MS);
    return this.#rpc.call(call);
  }

  /** Returns why a node that is ready is of no use: it does not allow a method. Asks until the node has answered once. */
  async #forbidden(): Promise<Unready | undefined> {
    if (this.#permitted) return undefined;
    const answers = await Promise.all(PROBES.map(({ method, params }) => this.#poll(method, params)));
    for (const answer of answers) {
      if (!answer.ok && answer.failure.kind === 'forbidden') return this.#unhealthy(answer);
    }
    this.#permitted = answers.every((answer) => answer.ok || answer.failure.kind === 'error');
    return undefined;
  }

  #unhealthy(answer: RpcAnswer & { readonly ok: false }): Unready {
    const { kind, message } = answer.failure;
    return notReady(message, kind === 'forbidden' || (kind === 'unauthorized' && this.#rpc.fixedCredentials));
  }
}

function backoffMs(inRow: number): number {
  return Math.min(BACKOFF_MS_MIN * 2 ** inRow, BACKOFF_MS_MAX);
}

function notReady(reason: string, fatal = false): Unready {
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
  // On test chains bitcoind gives templates also during the initial download (Bitcoin Core, rpc/mining.cpp): there the pool
  // may be who makes the blocks that end it.
  if (initialblockdownload === true && network === 'main') {
    return notReady(`it is still downloading the chain (${String(blocks)} of ${String(headers)} blocks)`);
  }
  return { ready: true, chainwork };
}

/** Why a node has not judged a block. */
function unjudged(answer: RpcAnswer): string {
  if (!answer.ok) return answer.failure.message;
  if (answer.result === DUPLICATE) return 'duplicate, but the node does not show the block';
  return answer.result === PARENT_UNKNOWN ? PARENT_UNKNOWN : 'submitblock: no answer known';
}
