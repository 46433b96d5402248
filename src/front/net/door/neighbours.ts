/** What has changed of one address (IPv6: of a /64): connections more or less, and handshakes that count for rates. */
export type CrowdChange = readonly [host: string, opened: number, handshakes: number];

/** The other gateways of a pool. */
export interface Neighbours {
  /** Tells them all what has changed here. */
  tell(changes: readonly CrowdChange[]): void;
  /** Calls back with what has changed there, from now on. Called once. */
  listen(hear: (changes: readonly CrowdChange[]) => void): void;
}

/**
 * Between two tellings, ms. What an address opens meanwhile in several gateways is what it may have too many, so it is
 * short; and many changes of an address are one, so a flood of connections makes few messages.
 */
export const TELL_MS = 100;
