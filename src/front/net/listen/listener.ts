import type { IpRange } from '#base/domain/ip';
import type { Logger, Wire, WireHandler } from '#base/domain/ports';
import { type Counts, newCounts } from '#base/telemetry/counters';
import type { Door } from '../door/door.ts';
import type { Framing } from './framing.ts';
import type { Turns } from './turns.ts';
import type { WaitingBytes } from './waiting-bytes.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Open connections; further ones are closed at once. Default: limits.connectionsMax. */
  readonly connectionsMax?: number;
  /** A message without its ending; a longer one closes the connection. Default: limits.lineBytesMax. */
  readonly lineBytesMax?: number;
  /** Unsent bytes of one connection before it is dropped as a slow reader. Default: limits.sendQueueBytesMax. */
  readonly sendQueueBytesMax?: number;
  /** What a closing connection has to take its last messages, ms. Default: limits.closeMsMax. */
  readonly closeMsMax?: number;
  /** How long a client that has ended its half of the connection is still answered, ms. Default: limits.halfOpenMsMax. */
  readonly halfOpenMsMax?: number;
  /** WebSocket only: other processes listen on the same port (SO_REUSEPORT). For TCP node:cluster sees to it. */
  readonly shared?: boolean;
  /** For a PROXY header and a TLS handshake together, ms. Default: limits.handshakeMsMax. */
  readonly handshakeMsMax?: number;
  /**
   * Proxies, which must announce each client with a PROXY header; from anybody else such a header is a bad request.
   * Default: none.
   */
  readonly proxies?: readonly IpRange[];
  /** WebSocket only: the sites whose pages may connect, lower-case; `*` for all. Default: none. */
  readonly origins?: readonly string[];
}

export interface ListenModules {
  /** Called for each new connection; undefined refuses it. */
  accept(wire: Wire): WireHandler | undefined;
  /** Of the protocol that is spoken. Default: lines. */
  readonly framing?: Framing;
  readonly logger: Logger;
  /** Decides which connections are accepted. Default: all. */
  readonly door?: Door;
  /** One for all listeners of a process. Default: one of this listener's own. */
  readonly turns?: Turns;
  /** One for all listeners of a process. Default: one of this listener's own. */
  readonly waiting?: WaitingBytes;
}

/** Why connections ended that did not end by themselves: for metrics. */
export type ListenerCounters = Counts<'listeners'>;

export interface Listener {
  readonly address: { readonly host: string; readonly port: number };
  /** Open connections. */
  readonly connections: number;
  readonly counters: Readonly<ListenerCounters>;
  /** Takes no new connections; open ones go on. */
  stopAccepting(): void;
  /** Stops accepting, closes every connection after its queued messages, and resolves when all are gone. Safe to call twice. */
  close(): Promise<void>;
}

export function newCounters(): ListenerCounters {
  return newCounts('listeners');
}
