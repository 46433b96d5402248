import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transaction } from 'bitcoinjs-lib';
import { afterEach, describe, expect, it } from 'vitest';
import { equalBytes } from '#base/bitcoin/bytes';
import { headerHash } from '#base/bitcoin/header';
import type { FundRequest } from '#base/domain/wallet';
import { simulatedNode } from '#work/node/simulated';
import { loadKey } from '#work/node/simulated-key';
import { recordedContainment } from '../../support/containment.ts';
import { recordedLogger } from '../../support/recorded-logger.ts';
import { ManualClock } from '../jobs/fixtures.ts';
import { buildBlock } from './block-builder.ts';
import { TemplateInbox } from './fixtures.ts';

const PAYEE = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-wallet-'));
  folders.push(path);
  return path;
}

async function open(path: string) {
  const key = loadKey(join(path, 'wallet.key'));
  const inbox = new TemplateInbox();
  const node = simulatedNode(
    { network: 'regtest', blockDifficulty: 4e-10, transactionsPerBlock: 2, file: join(path, 'chain.json'), key },
    { clock: new ManualClock(), contain: recordedContainment().contain, logger: recordedLogger(), random: Math.random },
  );
  await node.start(inbox.take);
  /** Mines blocks; ours pay the wallet. */
  const mine = async (blocks: number, ours = false): Promise<void> => {
    for (let block = 0; block < blocks; block += 1) {
      const coinbase = (transaction: Transaction): void => {
        const [payout] = transaction.outs;
        if (ours && payout !== undefined) payout.script = key.script;
      };
      const bytes = buildBlock(inbox.latest, { coinbase });
      expect(await node.submitBlock(bytes)).toEqual({ status: 'accepted' });
      await inbox.wait(({ previousHash }) => equalBytes(previousHash, headerHash(bytes)));
    }
  };
  const { wallet } = node;
  if (wallet === undefined) throw new Error('no wallet');
  const signed = async (request: FundRequest): Promise<string> => {
    const funded = await wallet.fund(request);
    if (!funded.ok) throw new Error(funded.reason);
    const done = await wallet.sign(funded.value.psbt);
    return done.ok ? (done.value.raw ?? '') : '';
  };
  return { node, key, inbox, wallet, mine, signed };
}

const pay = (sats: bigint, feeRate = 2000n): FundRequest => ({
  ...{ payees: [{ address: PAYEE, sats }], inputs: [], addInputs: true, feeRate },
});

describe("the embedded node's wallet", () => {
  it('keeps its key in a file for its owner alone, and the same one', () => {
    const path = join(folder(), 'deeper', 'wallet.key');
    const { address } = loadKey(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(loadKey(path).address).toBe(address);
    writeFileSync(path, '00'.repeat(32));
    expect(() => loadKey(path)).toThrow('holds no key');
    expect(readFileSync(path, 'utf8')).toBe('00'.repeat(32));
  });

  it('spends a coinbase when it has 10 confirmations, and no sooner', async () => {
    const { wallet, mine, node } = await open(folder());
    await mine(1, true);
    await mine(8);
    expect(await wallet.coins()).toEqual({ ok: true, value: [] });
    expect(await wallet.fund(pay(1_000_000n))).toMatchObject({ ok: false, fault: 'poor' });
    await mine(1);
    expect(await wallet.coins()).toMatchObject({ value: [{ confirmations: 10 }] });
    await node.close();
  });

  it('has its transactions mined, and goes on after a restart at any moment', async () => {
    const path = folder();
    const first = await open(path);
    await first.mine(1, true);
    await first.mine(10);
    const raw = await first.signed(pay(1_000_000n));
    const txid = Transaction.fromHex(raw).getId();
    expect(await first.wallet.test(raw)).toEqual({ ok: true, value: { allowed: true } });
    expect((await first.wallet.send(raw)).ok).toBe(true);
    expect(await first.wallet.place(txid)).toEqual({ ok: true, value: { at: 'mempool' } });
    const before = await first.wallet.status();
    await first.node.close();
    const second = await open(path);
    expect(await second.wallet.status()).toEqual(before);
    await second.mine(2);
    await second.node.close();
    const third = await open(path);
    expect(await third.wallet.place(txid)).toMatchObject({ value: { at: 'chain' } });
    expect((await third.wallet.send(raw)).ok).toBe(true);
    await third.node.close();
  });

  it('refuses what a node refuses', async () => {
    const { wallet, mine, signed, node } = await open(folder());
    await mine(1, true);
    await mine(10);
    const raw = await signed(pay(1_000_000n));
    const refused = async (change: (transaction: Transaction) => void): Promise<unknown> => {
      const transaction = Transaction.fromHex(raw);
      change(transaction);
      const answer = await wallet.test(transaction.toHex());
      return answer.ok && !answer.value.allowed ? answer.value.reason : answer;
    };
    const more = (factor: bigint) => (transaction: Transaction) => {
      for (const output of transaction.outs) output.value = output.value * factor + 1n;
    };
    expect(await refused(more(10_000n))).toBe('bad-txns-in-belowout');
    const forged = ({ ins }: Transaction): void => {
      for (const input of ins)
        input.witness = [
          Uint8Array.from([...(input.witness[0] ?? [])]).fill(1, 6, 9),
          input.witness[1] ?? new Uint8Array(),
        ];
    };
    expect(await refused(forged)).toBe('mandatory-script-verify-flag-failed');
    const elsewhere = ({ ins }: Transaction): void => {
      for (const input of ins) input.index = 7;
    };
    expect(await refused(elsewhere)).toBe('bad-txns-inputs-missingorspent');
    await wallet.send(raw);
    const coins = await wallet.transaction(Transaction.fromHex(raw).getId());
    const [input] = Transaction.fromHex(coins.ok ? (coins.value ?? '') : '').ins;
    const spent = {
      txid: Buffer.from(input?.hash ?? [])
        .reverse()
        .toString('hex'),
      vout: input?.index ?? 0,
    };
    const again = { ...pay(2_000_000n), inputs: [spent], addInputs: false };
    expect(await wallet.send(await signed(again))).toMatchObject({ fault: 'refused' });
    const higher = await signed({ ...again, feeRate: 9000n });
    expect((await wallet.send(higher)).ok).toBe(true);
    expect(await wallet.place(Transaction.fromHex(raw).getId())).toEqual({ ok: true, value: { at: 'known' } });
    await mine(3);
    expect(await wallet.place(Transaction.fromHex(raw).getId())).toMatchObject({ value: { at: 'conflicted' } });
    expect(await wallet.send(raw)).toMatchObject({ fault: 'refused' });
    await node.close();
  });
});
