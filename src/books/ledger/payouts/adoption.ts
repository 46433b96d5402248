import { addressOf, parseAddress } from '#base/bitcoin/address';
import { readTransaction, type SignedShape } from '#base/bitcoin/transaction';
import type { Wallet, WalletAnswer } from '#base/domain/wallet';
import { compareBytes, type MinerBalance } from '../entries/accounts.ts';
import type { Batch, Item, NewVariant, VariantKind } from './batch.ts';
import { outpointText } from './batch.ts';
import { wrongPayee } from './check-transactions.ts';
import type { PayoutRules } from './rules.ts';
import type { Outsider } from './store.ts';

/** What a transaction that is none of this ledger's has paid. */
export interface Adoptable {
  readonly variant: NewVariant;
  /** The batch that it belongs to: it pays that batch's accounts, or takes its coins back. Undefined: it is a payout of its own. */
  readonly batch: Batch | undefined;
  /** Of a payout of its own. */
  readonly items: readonly Item[];
}

export interface AdoptionInput {
  readonly rules: PayoutRules;
  /** Batches that the chain may still change. */
  readonly watched: readonly Batch[];
  readonly balances: readonly MinerBalance[];
}

interface Reading {
  readonly shape: SignedShape;
  readonly raw: string;
  readonly feeSats: bigint;
  /** The output that came back to the wallet. */
  readonly changeIndex: number | undefined;
  readonly changeSats: bigint | undefined;
}

/**
 * Finds out what a transaction has paid that left the wallet without this ledger: one that was sent after the copy was made
 * that this ledger is, or by another pool on a copy of this folder. Changes nothing.
 */
export async function readAdoptable(
  outsider: Outsider,
  wallet: Wallet,
  { rules, watched, balances }: AdoptionInput,
): Promise<WalletAnswer<Adoptable>> {
  const accounts = accountsByScript(rules, balances);
  const reading = await read(outsider, wallet, (script) => accounts.has(script));
  if (!reading.ok) return reading;
  const { shape, feeSats } = reading.value;
  const spent = new Set(shape.inputs.map(outpointText));
  const kin = watched.filter(({ variants }) => variants[0]?.inputs.some((input) => spent.has(outpointText(input))));
  if (outsider.sats === feeSats) {
    const [batch] = kin;
    if (batch === undefined) return refused(`${outsider.txid} pays nobody: sluice payout accept books its fee`);
    return { ok: true, value: { variant: variantOf('withdraw', reading.value), batch, items: [] } };
  }
  const replaced = kin.find((batch) => wrongPayee(batch, reading.value, shape) === undefined);
  if (replaced !== undefined) {
    return { ok: true, value: { variant: variantOf('replace', reading.value), batch: replaced, items: [] } };
  }
  const items = itemsOf(reading.value, accounts, rules);
  if (!items.ok) return items;
  return { ok: true, value: { variant: variantOf('pay', reading.value), batch: undefined, items: items.value } };
}

/** The transaction with its fee and its change, from the transactions that it spends, all of which the wallet knows. */
async function read(
  { txid, sats }: Outsider,
  wallet: Wallet,
  isAccount: (script: string) => boolean,
): Promise<WalletAnswer<Reading>> {
  const found = await transactionOf(txid, wallet);
  if (!found.ok) return found;
  const { shape, raw } = found.value;
  let inSats = 0n;
  for (const input of shape.inputs) {
    const parent = await transactionOf(input.txid, wallet);
    if (!parent.ok) return parent;
    const coin = parent.value.shape.outputs[input.vout];
    if (coin === undefined) return refused(`${input.txid} has no output ${input.vout}`);
    inSats += coin.sats;
  }
  const feeSats = inSats - shape.outputs.reduce((sum, output) => sum + output.sats, 0n);
  const changeSats = inSats - sats;
  if (changeSats === 0n) {
    return { ok: true, value: { shape, raw, feeSats, changeIndex: undefined, changeSats: undefined } };
  }
  const outputs = shape.outputs.map((output, index) => ({ ...output, index }));
  const same = outputs.filter((output) => output.sats === changeSats);
  const change = same.find(({ script }) => !isAccount(hexOf(script))) ?? same[0];
  if (change === undefined) {
    return refused(`${changeSats} sats of ${txid} came back to the wallet, and no output of it is so large`);
  }
  return { ok: true, value: { shape, raw, feeSats, changeIndex: change.index, changeSats } };
}

async function transactionOf(txid: string, wallet: Wallet): Promise<WalletAnswer<{ shape: SignedShape; raw: string }>> {
  const raw = await wallet.transaction(txid);
  if (!raw.ok) return raw;
  const shape = raw.value === undefined ? undefined : readTransaction(raw.value);
  if (raw.value === undefined || shape?.txid !== txid)
    return refused(`the wallet does not have the transaction ${txid}`);
  return { ok: true, value: { shape, raw: raw.value } };
}

function variantOf(kind: VariantKind, { shape, raw, feeSats, changeIndex, changeSats }: Reading): NewVariant {
  const { txid, weight, inputs } = shape;
  return {
    // Nobody signs it again, so there is no PSBT.
    ...{ kind, txid, psbt: '', raw, feeSats, feeRate: (feeSats * 4000n) / BigInt(weight), changeIndex, changeSats },
    inputs: inputs.map(({ txid: spent, vout }) => ({ txid: spent, vout })),
  };
}

/** Who is paid at a script: the accounts of the books, and those that have an address in the config, in byte order. */
function accountsByScript(rules: PayoutRules, balances: readonly MinerBalance[]): Map<string, MinerBalance[]> {
  const known = new Map(balances.map((balance) => [balance.account, balance]));
  for (const account of rules.addresses.keys()) {
    if (known.has(account)) continue;
    known.set(account, { account, immatureSats: 0n, payableSats: 0n, inFlightSats: 0n, paidSats: 0n });
  }
  const accounts = new Map<string, MinerBalance[]>();
  for (const balance of [...known.values()].sort((a, b) => compareBytes(a.account, b.account))) {
    const read = parseAddress(rules.addresses.get(balance.account) ?? balance.account, rules.network);
    if (!read.ok) continue;
    const key = hexOf(read.script);
    accounts.set(key, [...(accounts.get(key) ?? []), balance]);
  }
  return accounts;
}

/**
 * What each account got. Accounts that share an address got what they were owed, in byte order, and the last of them the rest. An
 * address that is no account of the books yet becomes one: the shares that earned it are lost.
 */
function itemsOf(
  { shape, changeIndex }: Reading,
  accounts: ReadonlyMap<string, readonly MinerBalance[]>,
  { network }: PayoutRules,
): WalletAnswer<Item[]> {
  const paid = new Map<string, { script: Uint8Array; sats: bigint }>();
  for (const [index, { script, sats }] of shape.outputs.entries()) {
    if (index === changeIndex) continue;
    const key = hexOf(script);
    paid.set(key, { script, sats: (paid.get(key)?.sats ?? 0n) + sats });
  }
  const items: Item[] = [];
  for (const [key, { script, sats }] of paid) {
    const address = addressOf(script, network);
    if (address === undefined) return refused(`an output of ${shape.txid} pays to no address`);
    const owners = accounts.get(key) ?? [{ account: address, payableSats: sats }];
    let left = sats;
    for (const [index, { account, payableSats }] of owners.entries()) {
      const isLast = index === owners.length - 1;
      const owed = payableSats > 0n ? payableSats : 0n;
      const part = isLast || owed > left ? left : owed;
      left -= part;
      if (part > 0n) items.push({ account, address, sats: part, feeSats: 0n });
    }
  }
  return { ok: true, value: items };
}

function hexOf(script: Uint8Array): string {
  return Buffer.from(script).toString('hex');
}

function refused<T>(reason: string): WalletAnswer<T> {
  return { ok: false, fault: 'refused', reason };
}
