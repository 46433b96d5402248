import type {
  FundedTransaction,
  MempoolVerdict,
  OutgoingTransaction,
  OutgoingTransactions,
  Outpoint,
  WalletAnswer,
  WalletCoin,
  WalletFault,
} from '#base/domain/wallet';
import type { RpcFailure } from './rpc.ts';

/** Bitcoin Core, rpc/protocol.h. */
const codes = {
  walletError: -4,
  insufficientFunds: -6,
  unlockNeeded: -13,
  walletNotFound: -18,
  walletNotSpecified: -19,
  methodNotFound: -32601,
  warmingUp: -28,
  /** RPC_INVALID_ADDRESS_OR_KEY: no such transaction. */
  notFound: -5,
  /** RPC_VERIFY_ALREADY_IN_UTXO_SET: the chain has it. */
  alreadyInChain: -27,
} as const;

/** An error whose code says that the node has looked at the request: RPC_VERIFY_ERROR, _REJECTED, _INVALID_PARAMETER, … */
const judged: ReadonlySet<number> = new Set([-1, -3, -4, -5, -8, -22, -25, -26]);

const SATS_PER_COIN = 100_000_000;
const SATS_MAX = 21_000_000 * SATS_PER_COIN;

type Fields = Readonly<Record<string, unknown>>;

export function refusal<T>(fault: WalletFault, reason: string): WalletAnswer<T> {
  return { ok: false, fault, reason };
}

/** An answer that does not have the form that Bitcoin Core gives it. */
export function strange<T>(method: string): WalletAnswer<T> {
  return refusal('unclear', `${method}: an answer that can not be read`);
}

/** The meaning of a failed call for money: `refused` only if the error code shows that the node judged the request. */
export function faultOf(method: string, failure: RpcFailure): Extract<WalletAnswer<never>, { ok: false }> {
  const reason = `${method}: ${failure.message}`;
  const of = (fault: WalletFault): Extract<WalletAnswer<never>, { ok: false }> => ({ ok: false, fault, reason });
  if (failure.kind === 'unauthorized' || failure.kind === 'forbidden') return of('gone');
  if (failure.kind !== 'error') return of('unclear');
  const { code = 0 } = failure;
  if (code === codes.unlockNeeded) return of('locked');
  if (code === codes.insufficientFunds || (code === codes.walletError && /insufficient funds/i.test(failure.message))) {
    return of('poor');
  }
  const gone: readonly number[] = [
    codes.walletNotFound,
    codes.walletNotSpecified,
    codes.methodNotFound,
    codes.warmingUp,
  ];
  if (gone.includes(code)) return of('gone');
  return of(judged.has(code) ? 'refused' : 'unclear');
}

export function isNotFound({ kind, code }: RpcFailure): boolean {
  return kind === 'error' && code === codes.notFound;
}

export function isAlreadyInChain({ kind, code }: RpcFailure): boolean {
  return kind === 'error' && code === codes.alreadyInChain;
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** An amount in coins as JSON has it: a double holds each amount up to 21 million exactly enough to be rounded to satoshis. */
export function satsOf(value: unknown): bigint | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  const sats = Math.round(value * SATS_PER_COIN);
  return Math.abs(sats) <= SATS_MAX ? BigInt(sats) : undefined;
}

/** Satoshis as Bitcoin Core takes amounts without loss: a decimal text. */
export function coinsOf(sats: bigint): string {
  const whole = sats / BigInt(SATS_PER_COIN);
  return `${whole}.${String(sats % BigInt(SATS_PER_COIN)).padStart(8, '0')}`;
}

export function isTxid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}

export function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

/** `listunspent`. */
export function readCoins(result: unknown): readonly WalletCoin[] | undefined {
  if (!Array.isArray(result)) return undefined;
  const coins: WalletCoin[] = [];
  for (const item of result as unknown[]) {
    const { txid, vout, amount, confirmations, safe } = fieldsOf(item);
    const sats = satsOf(amount);
    if (!isTxid(txid) || !isIndex(vout) || sats === undefined || !isWhole(confirmations)) return undefined;
    if (safe !== false) coins.push({ txid, vout, sats, confirmations, locked: false });
  }
  return coins;
}

/** `gettxout`: undefined if the coin is spent, or has no confirmation. */
export function readLockedCoin({ txid, vout }: Outpoint, result: unknown): WalletCoin | undefined {
  const { value, confirmations } = fieldsOf(result);
  const sats = satsOf(value);
  if (sats === undefined || !isWhole(confirmations) || confirmations < 1) return undefined;
  return { txid, vout, sats, confirmations, locked: true };
}

/** `listlockunspent`. */
export function readOutpoints(result: unknown): readonly Outpoint[] | undefined {
  if (!Array.isArray(result)) return undefined;
  return (result as unknown[]).map(fieldsOf).flatMap(({ txid, vout }) => {
    return isTxid(txid) && isIndex(vout) ? [{ txid, vout }] : [];
  });
}

/** `walletcreatefundedpsbt`. */
export function readFunded(result: unknown): FundedTransaction | undefined {
  const { psbt, fee, changepos } = fieldsOf(result);
  const feeSats = satsOf(fee);
  if (typeof psbt !== 'string' || feeSats === undefined || feeSats < 0n || !isWhole(changepos)) return undefined;
  return { psbt, feeSats, changeIndex: changepos < 0 ? undefined : changepos };
}

/** `testmempoolaccept` of one transaction. */
export function readVerdict(result: unknown): MempoolVerdict | undefined {
  const { allowed, 'reject-reason': reason } = fieldsOf(Array.isArray(result) ? (result as unknown[])[0] : undefined);
  if (allowed === true) return { allowed: true };
  if (allowed !== false) return undefined;
  return { allowed: false, reason: typeof reason === 'string' ? reason.slice(0, 200) : 'no reason given' };
}

/**
 * `listsinceblock` without change outputs. A transaction has an entry for each output, and spends if one of them is `send`; its
 * fee, a negative amount, is in each of these.
 */
export function readOutgoing(result: unknown): OutgoingTransactions | undefined {
  const { transactions, removed, lastblock } = fieldsOf(result);
  if (!Array.isArray(transactions) || typeof lastblock !== 'string') return undefined;
  const nets = new Map<string, { sats: bigint; feeSats: bigint | undefined }>();
  for (const item of [...(transactions as unknown[]), ...(Array.isArray(removed) ? (removed as unknown[]) : [])]) {
    const { txid, category, amount, fee } = fieldsOf(item);
    if (category !== 'send' && category !== 'receive') continue;
    const sats = satsOf(amount);
    if (!isTxid(txid) || sats === undefined) return undefined;
    const net = nets.get(txid);
    const feeSats = category === 'send' ? (satsOf(fee) ?? 0n) : net?.feeSats;
    nets.set(txid, { sats: (net?.sats ?? 0n) + sats, feeSats });
  }
  const found: OutgoingTransaction[] = [];
  for (const [txid, { sats, feeSats }] of nets) {
    if (feeSats !== undefined) found.push({ txid, sats: -sats - feeSats });
  }
  return { transactions: found, cursor: lastblock };
}
