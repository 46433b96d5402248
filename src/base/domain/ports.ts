import type { ChainView } from './chain.ts';
import type { Job } from './job.ts';
import type { QueueCounts } from './queue.ts';
import type { HeaderInputs, JudgedShare, Submission } from './share.ts';
import type { BlockTemplate } from './template.ts';

/** Time as a parameter, so that tests need not sleep. */
export interface Clock {
  /** Wall clock, ms since 1970. */
  nowMs(): number;
  /** Monotonic clock, ms with a fraction. */
  monotonicMs(): number;
}

/** A line of structured log; implemented by telemetry/. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** One client's connection, whatever carries it. */
export interface Wire {
  readonly transport: 'tcp' | 'tls' | 'websocket';
  readonly remoteIp: string;
  /** Queues one message (without line ending); what a tick queues is written at once. Ignored after close. */
  send(message: string | Uint8Array): void;
  /** Closes after what is queued has been written. The client is told why, if a reason is given. Safe to call twice. */
  close(why?: string): void;
  /** Whether its client may have something done that costs as much as many lines. What is granted counts as so many. */
  affords(): boolean;
  /** Its client gave a name, or a password, that is wrong. */
  misnamed(): void;
  /** Its client has logged in with this name; false if that worker may not mine now because of its conduct. */
  admits(name: string): boolean;
  /**
   * Scores the verdict on a share of this connection as its client's conduct. May call the handler's `expel`, and close the connection.
   * Safe to call after the connection is closed.
   */
  judged(share: JudgedShare): void;
}

/** Receives the events of a connection; installed once per wire. */
export interface WireHandler {
  /** One message without what frames it: bytes[begin…end), which are only valid during the call. */
  onMessage(bytes: Uint8Array, begin: number, end: number): void;
  /**
   * The client sends nothing more, but may still read. To be followed by `close` when all is answered; the wire closes by itself
   * after a while.
   */
  onEnd(): void;
  /** The message that tells the client why its connection is closed; undefined if the client would not understand it. */
  closingMessage(why: string): string | undefined;
  /** This worker may not mine on the connection any more, unless it logs in again and is let in. */
  expel(name: string): void;
  /** Called once, whichever side closed the connection. */
  onClose(): void;
}

/** Where sessions hand in shares; implemented by verify/. */
export interface ShareIntake {
  /**
   * Takes one submission. Its submitter hears of it at two moments, and at the second never within this call.
   */
  take(submission: Submission): void;
}

/** A block as it went to the node. */
export interface FoundBlock {
  /** Header hash, 64 hex digits, display (big-endian) order. */
  readonly hash: string;
  readonly job: Job;
  readonly account: string;
  readonly rig: string;
  readonly shareDifficulty: number;
  readonly foundMs: number;
  /** With the job they name the block's share. */
  readonly inputs: HeaderInputs;
  /** Of the coinbase that was mined; undefined: the job's. */
  readonly coinb2?: Uint8Array | undefined;
  /** Full serialisation for submitblock. */
  readonly block: Uint8Array;
}

/**
 * `accepted`: the node's best chain has it. `orphaned`: valid, but the node prefers another at that height.
 * `rejected`: every node refuses it, `reason` says why. `unknown`: a node that may take it has not; it will be tried again.
 */
export type SubmitOutcome =
  | { readonly status: 'accepted' }
  | { readonly status: 'orphaned' | 'rejected' | 'unknown'; readonly reason: string };

/** What has become of a block. `mature`: the best chain has it, so deep that its coins may be spent. */
export type BlockOutcome = SubmitOutcome | { readonly status: 'mature' };

/**
 * The status of a block in the chain with the most work that a node shows.
 * `chain`: in it, with `confirmations` (1 for the tip). `side`: a node has the block, but that chain is another one.
 * `none`: no node that answered has it; `refused` is set if every node was offered it and refused it, and says why.
 * `unknown`: no node answered, or one did not that had as much work as those that did.
 */
export type Standing =
  | { readonly at: 'chain'; readonly confirmations: number }
  | { readonly at: 'none'; readonly refused?: string }
  | { readonly at: 'side' }
  | { readonly at: 'unknown' };

export type NodeStatus = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/** Metrics of a node beside its status. */
export interface NodeWatch {
  /** The node's clock less this machine's, seconds. */
  readonly clockOffsetSeconds: number;
  /** ZeroMQ endpoints of the config, and how many of them are connected. */
  readonly signalsConfigured: number;
  readonly signalsConnected: number;
  /** Blocks since the start that no endpoint signalled: polling found them. */
  readonly signalsMissed: number;
  /** Calls that wait for a connection to a node, over all nodes; and those of them that a solved block needs. */
  readonly calls: QueueCounts;
  readonly urgentCalls: QueueCounts;
}

/** A Bitcoin node, real or simulated; implemented by node/. */
export interface BitcoinNode {
  /**
   * Starts the template feed: `onTemplate` is called with each new template (a changed tip or fresh transactions),
   * never overlapping. Resolves when the first template is there; rejects when the node can not serve this network.
   */
  start(onTemplate: (template: BlockTemplate) => void): Promise<void>;
  /** Sends a block at once. Resolves with the node's answer, never rejects. */
  submitBlock(block: Uint8Array): Promise<SubmitOutcome>;
  /**
   * Asks for the status of a block (its hash in display order). A node that lacks the block is sent it again, once for each state of its
   * chain. `block` provides the bytes, or undefined. Never rejects unless `block` does.
   */
  standing(hash: string, block: () => Promise<Uint8Array | undefined>): Promise<Standing>;
  /** The chain as the books see it. */
  readonly chain: ChainView;
  status(): NodeStatus;
  watched(): NodeWatch;
  close(): Promise<void>;
}

/** The durable log as the share path sees it; implemented by sharelog/. */
export interface ShareRecorder {
  /** Encodes one submission into the open batch. */
  share(share: JudgedShare): void;
  job(job: Job): void;
  /** No share of a job with this serial number or less is accepted any more, and none will be: a mark in the journal. */
  closed(serial: number): void;
  /**
   * A block candidate: it is in a file until it is `settled`, so that also a later start hands it to the nodes. Resolves when the
   * log's folder names the block and its job, so that both get their rows although the process is killed now; or after 100 ms, if
   * the disk is stuck. Undefined: at once.
   */
  candidate(block: FoundBlock): Promise<void> | undefined;
  /** The current outcome of a candidate. */
  outcome(block: FoundBlock, outcome: SubmitOutcome): void;
  /** The last outcome of this candidate is final: its file is removed when the outcome is on disk. */
  settled(hash: string): void;
  /** Hands the open batch to the log; `durable` is called once it is on disk, in order of the calls. */
  commit(durable: () => void): void;
}

/** File descriptors that the process holds so that it can give them up when it has no others; implemented by pool/. */
export interface SpareDescriptors {
  /**
   * Closes a spare descriptor, so that a step that failed without one can be repeated. Returns false if none is left. `work`: no block
   * depends on the step, so it may use only half of the spare descriptors.
   */
  release(use: 'block' | 'work'): boolean;
}

/** An address that is not let in. */
export interface Ban {
  /** An IPv4 address, an IPv6 /64, or a wider range. */
  readonly address: string;
  readonly reason: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** How many bans in a row; each is longer than the one before. */
  readonly times: number;
}

/** The bans as operators see them; implemented by net/. */
export interface BanControl {
  /** Those in force. */
  list(): readonly Ban[];
  /** Bans an address or a range; an error says why it can not be. */
  add(address: string, durationMs: number, reason: string): Ban | { readonly error: string };
  /** Ends every ban of this very address or range; false if there was none. */
  lift(address: string): boolean;
}

/** Keeps the share log as it is while it is copied; implemented by sharelog/. */
export interface LogHold {
  /** From now on the log lets nothing go that it has. The function that this returns ends that; it may be called twice. */
  hold(): () => void;
}
