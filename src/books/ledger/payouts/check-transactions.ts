import { networkNames, parseAddress } from '#base/bitcoin/address';
import { readTransaction, type SignedShape } from '#base/bitcoin/transaction';
import type { Fault } from '../entries/fault.ts';
import { type Batch, outpointText, type Variant } from './batch.ts';
import { payeesOf } from './funding.ts';

/**
 * What is wrong with a payout's transactions: each is what its row says, those that pay the accounts pay exactly what the rows
 * say, and no two of them can be mined, because each spends a coin of the first.
 */
export function checkTransactions(batch: Batch): Fault[] {
  const payers = batch.variants.filter(({ kind }) => kind !== 'child');
  const first = new Set(payers[0]?.inputs.map(outpointText));
  const faults: Fault[] = [];
  const fault = (invariant: string, { txid }: Variant, what: string): void => {
    faults.push({ invariant, detail: `transaction ${txid} of payout ${batch.id} ${what}` });
  };
  for (const variant of payers) {
    if (!variant.inputs.some((input) => first.has(outpointText(input)))) {
      fault('payout-once', variant, 'spends no coin of the first one, so both can be mined');
    }
  }
  for (const variant of batch.variants) {
    if (variant.raw === undefined) continue;
    const shape = readTransaction(variant.raw);
    if (shape?.txid !== variant.txid) {
      fault('payout-transaction', variant, `is stored as bytes of ${shape?.txid ?? 'no transaction'}`);
      continue;
    }
    const [spends, kept] = [shape.inputs, variant.inputs].map((inputs) => inputs.map(outpointText).sort().join(' '));
    if (spends !== kept) fault('payout-transaction', variant, 'spends other coins than its row has');
    const wrong = variant.kind === 'pay' || variant.kind === 'replace' ? wrongPayee(batch, variant, shape) : undefined;
    if (wrong !== undefined) fault('payout-transaction', variant, wrong);
  }
  return faults;
}

/** Where the outputs differ from what the accounts are to get; undefined if they do not. */
export function wrongPayee(
  { items }: Pick<Batch, 'items'>,
  { changeIndex }: Pick<Variant, 'changeIndex'>,
  { outputs }: Pick<SignedShape, 'outputs'>,
): string | undefined {
  const paid = new Map<string, bigint>();
  for (const [index, { script, sats }] of outputs.entries()) {
    if (index === changeIndex) continue;
    const key = Buffer.from(script).toString('hex');
    paid.set(key, (paid.get(key) ?? 0n) + sats);
  }
  for (const { address, sats } of payeesOf(items)) {
    const script = scriptOf(address);
    const got = paid.get(script) ?? 0n;
    if (got !== sats) return `pays ${address} ${got} sats instead of ${sats}`;
    paid.delete(script);
  }
  const rest = [...paid.values()].reduce((sum, sats) => sum + sats, 0n);
  return paid.size > 0 ? `pays ${rest} sats to somebody else` : undefined;
}

/** An address that several networks have pays to the same script on each. */
function scriptOf(address: string): string {
  for (const network of networkNames) {
    const read = parseAddress(address, network);
    if (read.ok) return Buffer.from(read.script).toString('hex');
  }
  return '';
}
