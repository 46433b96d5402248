import type { Network } from '#base/bitcoin/address';
import type { DifficultyConfig } from './config.ts';

/** Where things listen unless configured: loopback, so that a first try opens nothing to the world. */
export const listenDefaults = {
  tcp: { host: '127.0.0.1', port: 3333 },
  websocket: { host: '127.0.0.1', port: 3334 },
  tls: { host: '127.0.0.1', port: 3335 },
  http: { host: '127.0.0.1', port: 8080 },
} as const;

/** BIP320: the sixteen bits that miners may roll without looking like a soft-fork signal. */
export const VERSION_MASK_DEFAULT = 0x1fffe000;

/** Age at which a template is replaced for the sake of newer transactions, as Bitcoin Core's own longpoll does it. */
export const REFRESH_SECONDS_DEFAULT = 30;

/** How long miners stay connected without useful work, before they are sent to their next pool. */
export const OUTAGE_GRACE_SECONDS_DEFAULT = 60;

/** Simulated blocks: one core of the built-in miner, at a million hashes a second, finds one in about twenty seconds. */
export const SIMULATED_BLOCK_DIFFICULTY_DEFAULT = 0.005;

type DifficultyRange = Pick<DifficultyConfig, 'start' | 'min' | 'max'>;

/** Difficulty 1 is 2^32 hashes. A machine made for it does that in far less than a second, so 65536 suits a first share. */
const machines: DifficultyRange = { start: 65_536, min: 1, max: 1e12 };

/**
 * On regtest people mine with a CPU: 0.0002 is 860,000 hashes, about one share a second from one core, and difficulty 1
 * would be more than an hour's wait. The floor is near regtest's own block difficulty (4.7e-10, two hashes).
 */
const cpus: DifficultyRange = { start: 0.0002, min: 1e-9, max: 1e12 };

export const difficultyDefaults: Readonly<Record<Network, DifficultyRange>> = {
  main: machines,
  testnet4: machines,
  signet: machines,
  regtest: cpus,
};

/**
 * The default payout address of the simulated node's blocks, and the default user of the built-in miner. It is a regtest address
 * (P2WPKH) whose 20-byte program is the start of SHA-256("sluice simulated payout"), not the hash of a key. So its coins can not be
 * spent on any network. It is never used with a real node.
 */
export const SIMULATED_PAYOUT_ADDRESS = 'bcrt1qy7yl6pjgjct4qgael8e5dp2csn9f9k068fnq9n';

/** This machine, for a proxy beside the pool. */
export const LOOPBACK: readonly string[] = ['127.0.0.0/8', '::1'];

/**
 * Addresses of programs beside the pool that have many miners behind them: a TLS terminator, a tunnel, a farm proxy.
 * A ban would hit them all, so these are never banned unless the config says `allow = []`; the rest of 127.0.0.0/8 is.
 */
export const NEVER_BANNED: readonly string[] = ['127.0.0.1', '::1'];

/** The tag in the coinbase of this pool's blocks. */
export const COINBASE_TAG_DEFAULT = '/Sluice/';

/**
 * Confirmations until a block's coins may be paid out. By consensus a coinbase can be spent after 100 (Bitcoin Core,
 * consensus/consensus.h, COINBASE_MATURITY). The embedded node has no such rule, so that a first payout takes minutes.
 */
export const CONSENSUS_MATURITY = 100;
export const SIMULATED_MATURITY_DEFAULT = 10;

/** Confirmations until a block is booked: reorganisations of three blocks are years apart on the main chain. */
export const CONFIRMATIONS_DEFAULT = 3;

/** In sat/vB: no node relays a rate below the first, and a rate above the second is taken for a mistake. */
export const FEE_RATE_MIN_DEFAULT = 1;
export const FEE_RATE_MAX_DEFAULT = 100;
