/** An output of a transaction. */
export interface Outpoint {
  /** 64 hex digits, display order. */
  readonly txid: string;
  readonly vout: number;
}

/** An output that a wallet can spend, with at least one confirmation. */
export interface WalletCoin extends Outpoint {
  readonly sats: bigint;
  readonly confirmations: number;
  /** True if the coin is locked, by this ledger or by the operator: the wallet adds a locked coin to no transaction by itself. */
  readonly locked: boolean;
}

/** An output of a transaction: address and amount. */
export interface Payee {
  readonly address: string;
  readonly sats: bigint;
}

/**
 * Why a wallet's call failed.
 * `gone`: no wallet answers, so nothing was done. `locked`: it needs its passphrase. `poor`: its coins do not suffice.
 * `refused`: the wallet or the node judged the request and did nothing. `unclear`: the answer was lost or is an error that
 * says nothing of the outcome: the request may have been carried out.
 */
export type WalletFault = 'gone' | 'locked' | 'poor' | 'refused' | 'unclear';

export type WalletAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: WalletFault; readonly reason: string };

export interface WalletStatus {
  /** For people: a wallet's name, or its URL without credentials. */
  readonly name: string;
  /** Coins with a confirmation, and the wallet's own change without one. */
  readonly spendableSats: bigint;
  readonly immatureSats: bigint;
  /** False for a watch-only wallet. */
  readonly signs: boolean;
  /** True if the wallet needs its passphrase before it signs. */
  readonly locked: boolean;
}

export interface FundRequest {
  /** Each address once. */
  readonly payees: readonly Payee[];
  /** Coins that the transaction must spend, confirmed or not. */
  readonly inputs: readonly Outpoint[];
  /** True if the wallet may add confirmed coins of its own. */
  readonly addInputs: boolean;
  /** Satoshis for 1,000 virtual bytes. */
  readonly feeRate: bigint;
  /** True if the first payee bears the fee instead of the change. */
  readonly feeFromPayee?: boolean;
}

/** A transaction that waits for its signatures. Nothing in the wallet is locked by it. */
export interface FundedTransaction {
  /** PSBT (BIP174), base64. */
  readonly psbt: string;
  readonly feeSats: bigint;
  /** The output that comes back to the wallet. */
  readonly changeIndex: number | undefined;
}

/**
 * Where a transaction stands. `none`: neither the wallet nor the node knows it. `known`: the wallet knows it, and the mempool
 * does not have it. `mempool`: it waits for a block. `chain`: in the best chain, 1 for its tip. `conflicted`: a block has a
 * transaction that spends one of its inputs, `confirmations` deep.
 */
export type TransactionPlace =
  | { readonly at: 'none' | 'known' | 'mempool' }
  | { readonly at: 'chain' | 'conflicted'; readonly confirmations: number };

/** A transaction that spends coins of the wallet. */
export interface OutgoingTransaction {
  readonly txid: string;
  /** What left the wallet, with the fee. */
  readonly sats: bigint;
}

export interface OutgoingTransactions {
  readonly transactions: readonly OutgoingTransaction[];
  /** What to ask with the next time, so that no transaction is missed: some are told of again. */
  readonly cursor: string;
}

/** Whether the node would take a transaction into its mempool. */
export type MempoolVerdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

/** A wallet that pays miners; implemented by node/. No method rejects, and each answers within a bounded time. */
export interface Wallet {
  status(): Promise<WalletAnswer<WalletStatus>>;
  /** True if its node has all blocks that it knows of, so that no payment in one of them is missing. */
  synced(): Promise<WalletAnswer<boolean>>;
  /** Coins with a confirmation that nothing in a block or in the mempool spends, those that are locked among them. */
  coins(): Promise<WalletAnswer<readonly WalletCoin[]>>;
  /** The node's estimate for a confirmation within so many blocks, satoshis for 1,000 virtual bytes; undefined if it has none. */
  feeRate(blocks: number): Promise<WalletAnswer<bigint | undefined>>;
  /** Chooses inputs and makes a transaction; every input signals that it may be replaced (BIP125). */
  fund(request: FundRequest): Promise<WalletAnswer<FundedTransaction>>;
  /** Keeps coins from being chosen by others, or no longer. Asking twice is the same as asking once. */
  lock(coins: readonly Outpoint[], on: boolean): Promise<WalletAnswer<void>>;
  /** Adds the wallet's signatures; `raw` is the whole transaction in hex if none is missing. */
  sign(psbt: string): Promise<WalletAnswer<{ readonly psbt: string; readonly raw: string | undefined }>>;
  /** Asks the node without sending. */
  test(raw: string): Promise<WalletAnswer<MempoolVerdict>>;
  /** Broadcasts. A transaction that the node has already, in its mempool or its chain, is no error. */
  send(raw: string): Promise<WalletAnswer<void>>;
  place(txid: string): Promise<WalletAnswer<TransactionPlace>>;
  /** Transactions that spend the wallet's coins: all, or those since `cursor`. */
  outgoing(cursor: string | undefined): Promise<WalletAnswer<OutgoingTransactions>>;
  /** A transaction's bytes in hex; undefined if the wallet does not know it. */
  transaction(txid: string): Promise<WalletAnswer<string | undefined>>;
  /** A fresh address of the wallet. */
  newAddress(): Promise<WalletAnswer<string>>;
}
