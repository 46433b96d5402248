import { assets, inFlightOf, own, paidOf, payableOf } from '../entries/accounts.ts';
import { type Line, opposite, type Posting } from '../entries/entry.ts';
import { type Batch, debitOf, type Item, outputsOf, type Variant } from './batch.ts';

type Owner = Pick<Batch, 'id' | 'items'>;

/** The intent is made: what the accounts are owed is in flight. */
export function openedPosting({ id, items }: Owner, atMs: number): Posting {
  return { kind: 'payout-opened', reference: `payout:${id}:opened`, atMs, lines: opened(items) };
}

/** The transaction is signed: the coins of its outputs are in flight. */
export function signedPosting({ id, items }: Owner, atMs: number): Posting {
  return { kind: 'payout-signed', reference: `payout:${id}:signed`, atMs, lines: signed(items) };
}

/** A variant is deep in the chain, for the `time`th time. Only now is its fee known. */
export function settledPosting({ id, items }: Owner, { txid, feeSats }: Variant, time: number, atMs: number): Posting {
  const lines = settled(items, feeSats);
  return { kind: 'payout-settled', reference: `payout:${id}:settled:${time}`, atMs, lines, note: txid };
}

/** A reorg has taken a settled variant out of the chain. */
export function unsettledPosting(
  { id, items }: Owner,
  { txid, feeSats }: Variant,
  time: number,
  atMs: number,
): Posting {
  const lines = opposite(settled(items, feeSats));
  return { kind: 'payout-unsettled', reference: `payout:${id}:unsettled:${time}`, atMs, lines, note: txid };
}

/** The batch will never be paid: the accounts are owed again. `feeSats`: what a transaction of the pool's own in its place cost. */
export function unpaidPosting({ id, items }: Owner, wasSigned: boolean, feeSats: bigint, atMs: number): Posting {
  const lines = [...opposite(opened(items)), ...(wasSigned ? opposite(signed(items)) : []), ...feeOf(feeSats)];
  return { kind: 'payout-unpaid', reference: `payout:${id}:unpaid`, atMs, lines };
}

/** The fee of a child that pays for its parent. */
export function childPosting({ id }: Owner, { txid, feeSats }: Variant, atMs: number): Posting {
  return { kind: 'payout-child', reference: `payout:${id}:child:${txid}`, atMs, lines: feeOf(feeSats) };
}

/** Coins that left the wallet by a transaction that is none of the ledger's, and that the operator answers for. */
export function outsidePosting(txid: string, sats: bigint, atMs: number): Posting {
  const lines = [
    { account: assets.wallet, sats: -sats },
    { account: own.withdrawn, sats },
  ];
  return { kind: 'withdrawn', reference: `withdrawn:${txid}`, atMs, lines };
}

function opened(items: readonly Item[]): Line[] {
  return items.flatMap(({ account, sats }) => [
    { account: payableOf(account), sats },
    { account: inFlightOf(account), sats: -sats },
  ]);
}

function signed(items: readonly Item[]): Line[] {
  const sats = outputsOf(items);
  return [
    { account: assets.wallet, sats: -sats },
    { account: assets.inFlight, sats },
  ];
}

/** What the accounts gave for the fee goes against what it cost; the pool bears or keeps the difference. */
function settled(items: readonly Item[], feeSats: bigint): Line[] {
  const parts = debitOf(items) - outputsOf(items);
  return [
    ...items.flatMap(({ account, sats, feeSats: part }) => [
      { account: inFlightOf(account), sats },
      { account: paidOf(account), sats: part - sats },
      { account: own.paidOut, sats: sats - part },
    ]),
    { account: assets.inFlight, sats: -outputsOf(items) },
    { account: assets.wallet, sats: -feeSats },
    { account: own.networkFees, sats: feeSats - parts },
  ];
}

function feeOf(feeSats: bigint): Line[] {
  return [
    { account: assets.wallet, sats: -feeSats },
    { account: own.networkFees, sats: feeSats },
  ];
}
