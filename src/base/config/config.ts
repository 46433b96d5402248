import type { Network } from '#base/bitcoin/address';
import type { HostPort, HttpService } from './endpoint.ts';

/** How to log in to a Bitcoin node: named, or by the file that bitcoind rewrites at each start. */
export type RpcLogin = { readonly username: string; readonly password: string } | { readonly cookie: string };

/** A Bitcoin node's RPC. */
export interface RpcEndpoint {
  /** `http://host:port/path`, without credentials. */
  readonly url: string;
  readonly login: RpcLogin;
}

export type NodeConfig =
  | {
      readonly kind: 'rpc';
      /** In order of preference; at least one. */
      readonly endpoints: readonly RpcEndpoint[];
      /** Where nodes publish `hashblock`; empty: polling alone. */
      readonly zmq: readonly string[];
      /** Age at which a template is replaced for the sake of newer transactions. */
      readonly refreshMs: number;
    }
  | {
      /** The embedded one, regtest only. */
      readonly kind: 'simulated';
      readonly blockDifficulty: number;
      /** In each template, at most and from the start on; undefined: a few, and more as time goes. */
      readonly transactions: number | undefined;
      readonly refreshMs: number;
    };

export interface TlsConfig {
  readonly listen: HostPort;
  /** Path of a PEM file. */
  readonly cert: string;
  /** Path of a PEM file. */
  readonly key: string;
}

export interface DifficultyConfig {
  /** min ≤ start ≤ max, all above zero. */
  readonly start: number;
  readonly min: number;
  readonly max: number;
  readonly vardiff: boolean;
  /** What vardiff aims at. */
  readonly sharesPerMinute: number;
}

/** The limits of one gateway process. Rates are per second. */
export interface LimitsConfig {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly connectionsPerSubnet: number;
  /** New connections. */
  readonly handshakes: number;
  readonly handshakesPerAddress: number;
  readonly handshakesPerSubnet: number;
  /** Of one connection. */
  readonly lines: number;
  readonly bytes: number;
  readonly submits: number;
  /** Addresses and ranges, canonical, that only `connections` holds for. */
  readonly exempt: readonly string[];
}

export interface BansConfig {
  readonly enabled: boolean;
  /** Addresses and ranges, canonical: never refused, without limits. */
  readonly allow: readonly string[];
  /** Never let in. */
  readonly deny: readonly string[];
}

/** An account of the config. */
export interface AccountConfig {
  readonly name: string;
  /** `scrypt$…`. */
  readonly passwordHash: string;
  /** Payable on `network`. */
  readonly address: string;
}

/** A kind of device, by its user agent; what is undefined is as in the built-in table, or as for everybody. */
export interface ProfileConfig {
  readonly name: string;
  /** Parts of user agents, in lower case. */
  readonly match: readonly string[];
  readonly difficultyMin: number | undefined;
  readonly difficultyStart: number | undefined;
  readonly cleanOnRaise: boolean | undefined;
  readonly coinbaseBytesMax: number | undefined;
  readonly ping: boolean | undefined;
}

export interface StratumConfig {
  /** At least one of `tcp`, `websocket` and `tls` is there. */
  readonly tcp: HostPort | undefined;
  readonly websocket: HostPort | undefined;
  /** The sites whose pages may connect to it, lower-case; `*` for all. */
  readonly websocketOrigins: readonly string[];
  readonly tls: TlsConfig | undefined;
  /** Processes; 0 = as many as cores. */
  readonly gateways: number;
  readonly proxyProtocol: boolean;
  /** Addresses and ranges, canonical, of the proxies; used where `proxyProtocol` is true. */
  readonly proxyFrom: readonly string[];
  /** Header version bits that miners may roll, u32. */
  readonly versionMask: number;
  /** `address`: a user is a payable address. `accounts`: one of `accounts`, with its password. `open`: any name, and the pool keeps all. */
  readonly authorization: 'address' | 'accounts' | 'open';
  /** The accounts that may mine if `authorization` is `accounts`. */
  readonly accounts: readonly AccountConfig[];
  /** The operator's device profiles, which override the built-in table. */
  readonly profiles: readonly ProfileConfig[];
  /** If set, a client that claims to be NiceHash must sign its subscribe. */
  readonly niceHash: { readonly key: string; readonly secret: string } | undefined;
  /** Silence after which a connection is closed, ms. */
  readonly idleMsMax: number;
  /** How long miners stay connected while no node serves or the disk takes no shares, ms. */
  readonly outageGraceMs: number;
  readonly difficulty: DifficultyConfig;
  readonly limits: LimitsConfig;
  readonly bans: BansConfig;
}

/** An account with rules of its own; what is undefined is as for everybody. */
export interface PayoutAccountConfig {
  /** The account: an address, in its one spelling. */
  readonly address: string;
  readonly feeBasisPoints: number | undefined;
  readonly minimumSats: bigint | undefined;
}

export interface PayoutConfig {
  readonly scheme: 'pplns' | 'prop' | 'pps' | 'fpps' | 'solo';
  /** The address that the coinbase pays, payable on `network`. */
  readonly address: string;
  /** The pool's part of each reward, in basis points (0.01 %). */
  readonly feeBasisPoints: number;
  /** Of each reward, in basis points, beside the fee; for `donationAddress`, which is there if this is not 0. */
  readonly donationBasisPoints: number;
  readonly donationAddress: string | undefined;
  readonly accounts: readonly PayoutAccountConfig[];
  /** The least that is paid out to an account. */
  readonly minimumSats: bigint;
  readonly method: 'wallet' | 'psbt' | 'coinbase';
  /** Name of bitcoind's wallet; undefined: the one that a URL of `node.rpc` names by its path, or the only one. */
  readonly wallet: string | undefined;
  /** In the coinbase, for block explorers; may be empty. */
  readonly tag: string;
  /** PPLNS: length of the window in blocks' worth of work. */
  readonly window: number;
  /** Confirmations until a block's coins may be paid out. */
  readonly maturity: number;
  /** Confirmations until a block is booked; at most `maturity`. */
  readonly confirmations: number;
  /** Between two payouts, ms; undefined: payouts are made by hand. */
  readonly intervalMs: number | undefined;
  /** The party that pays the network's fees of payouts. */
  readonly networkFee: 'pool' | 'miners';
  /** Bounds of a payout's fee rate, sat/vB. */
  readonly feeRateMin: number;
  readonly feeRateMax: number;
}

export interface ClickHouseConfig extends HttpService {
  /** `http://host:port`, without credentials or path. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly database: string;
}

/** Everything that can be chosen, decided: no key is left to a default further in. Frozen. */
export interface Config {
  readonly network: Network;
  /** The name of this pool in a shared ClickHouse. Undefined: the data folder's own name (`defaultNode`). */
  readonly name: string | undefined;
  /** Data directory, relative to the working directory unless absolute. */
  readonly data: string;
  readonly node: NodeConfig;
  readonly stratum: StratumConfig;
  /** Worker threads that verify shares; 0 = choose by cores. */
  readonly verify: { readonly threads: number };
  readonly payout: PayoutConfig;
  /** Undefined: the embedded one, under `data`. */
  readonly clickhouse: ClickHouseConfig | undefined;
  readonly http: {
    readonly listen: HostPort;
    readonly adminToken: string | undefined;
    /** Sites whose pages may read what HTTP answers, in lower case; `*` for all. */
    readonly origins: readonly string[];
    /** Lets analysts ask for SQL; without it nobody may over HTTP. */
    readonly sqlToken: string | undefined;
  };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
  /** Settings without effect; shown at start and by `sluice check`. */
  readonly warnings: readonly string[];
}
