import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wallet } from '#base/domain/wallet';
import { checkLedger } from '#books/ledger/check';
import { assets, minerBalances, own, payableOf } from '#books/ledger/entries/accounts';
import { EntryBook } from '#books/ledger/entries/book';
import { LedgerSnapshot, markRestored } from '#books/ledger/ledger-copy';
import { LEDGER_FILE, type OpenedLedger, openLedger, readLedger } from '#books/ledger/ledger-db';
import { Payouts } from '#books/ledger/payouts/payouts';
import type { PayoutRules } from '#books/ledger/payouts/rules';
import { createRpcClient, type RpcClient } from '#work/node/rpc';
import { BitcoindWallet } from '#work/node/wallet';
import { findBitcoind } from '../support/bitcoind.ts';
import { type RegtestNode, startRegtest } from '../support/bitcoind-regtest.ts';
import { killingProxy } from '../support/killing-proxy.ts';
import { recordedLogger } from '../support/recorded-logger.ts';

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const bitcoind = await findBitcoind();
if (bitcoind.path === undefined) process.stderr.write(`not run: payouts with a real bitcoind: ${bitcoind.reason}\n`);

/** Whatever is mined here never comes to a wallet. */
const ELSEWHERE = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202';
const NOWHERE = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const rules: PayoutRules = {
  ...{ network: 'regtest', method: 'wallet', addresses: new Map(), minimumSats: 10_000n, minimums: new Map() },
  ...{ networkFee: 'pool', feeRateMin: 1000n, feeRateMax: 100_000n, settleDepth: 3, buryDepth: 10 },
};

describe.skipIf(bitcoind.path === undefined)('payouts with a real bitcoind', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-payouts-'));
  const opened: OpenedLedger[] = [];
  const clients: RpcClient[] = [];
  let node: RegtestNode;
  let nowMs = Date.now();
  const miners: string[] = [];

  beforeAll(async () => {
    node = await startRegtest({ path: bitcoind.path ?? '' });
    await node.rpc('createwallet', 'miners');
    for (const type of ['bech32', 'bech32m', 'legacy', 'p2sh-segwit']) {
      miners.push(await call('miners', 'getnewaddress', '', type));
    }
  });
  afterAll(async () => {
    for (const ledger of opened) ledger.close();
    for (const client of clients) client.close();
    await node?.stop();
    rmSync(folder, { recursive: true });
  });

  function client(wallet: string): RpcClient {
    const url = `${node.url}/wallet/${wallet}`;
    const made = createRpcClient({ url, cookie: undefined }, { spare: { release: () => false } });
    clients.push(made);
    return made;
  }

  async function call<T>(wallet: string, method: string, ...params: unknown[]): Promise<T> {
    const answer = await client(wallet).call({ method, params, timeoutMs: 60_000, answerBytesMax: 1 << 26 });
    if (!answer.ok) throw new Error(`${method}: ${answer.failure.message}`);
    return answer.result as T;
  }

  /** A wallet with three coins of 50 bitcoin or less that may be spent, and a ledger that owes of them. */
  async function pool(name: string, given: Partial<PayoutRules> = {}) {
    await node.rpc('createwallet', name);
    const address = await call<string>(name, 'getnewaddress', '', 'bech32');
    await node.rpc('generatetoaddress', 3, address);
    await node.rpc('generatetoaddress', 100, ELSEWHERE);
    return book(name, name, given);
  }

  async function book(name: string, wallet: string, given: Partial<PayoutRules> = {}) {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    const ledger = openLedger(path);
    opened.push(ledger);
    const { database } = ledger;
    const entries = new EntryBook(database);
    const real = new BitcoindWallet(client(wallet));
    const logger = recordedLogger();
    let ids = 0;
    const start = (port: Wallet = real): Payouts =>
      new Payouts(
        { ...rules, ...given },
        {
          ...{ database, wallet: port, clock: { nowMs: () => nowMs }, logger, halted: () => undefined },
          newId: () => `${name}${++ids}`,
        },
      );
    const owe = async (...sats: readonly bigint[]): Promise<void> => {
      const status = await real.status();
      const has = status.ok ? status.value.spendableSats : 0n;
      const lines = [
        { account: assets.wallet, sats: has - entries.balance(assets.wallet) },
        ...sats.map((each, index) => ({ account: payableOf(miners[index] ?? ''), sats: -each })),
      ];
      const rest = -lines.reduce((sum, line) => sum + line.sats, 0n);
      database
        .transaction(() =>
          entries.post({
            ...{ kind: 'test', reference: `test:${entries.head().entries}`, atMs: nowMs },
            lines: [...lines, { account: 'own:fee', sats: rest }],
          }),
        )
        .immediate();
    };
    /** Everything that the wallet has, in satoshis. */
    const has = async (): Promise<bigint> => {
      const { mine } = await call<{ mine: { trusted: number; untrusted_pending: number } }>(wallet, 'getbalances');
      return BigInt(Math.round((mine.trusted + mine.untrusted_pending) * 1e8));
    };
    const balance = (index: number) =>
      minerBalances(entries.balances()).find(({ account }) => account === miners[index]);
    return { path, database, entries, real, logger, start, owe, has, balance };
  }

  const got = async (index: number): Promise<bigint> =>
    BigInt(Math.round((await call<number>('miners', 'getreceivedbyaddress', miners[index], 0)) * 1e8));
  const mine = (blocks: number): Promise<string[]> => node.rpc('generatetoaddress', blocks, ELSEWHERE);

  it('pays, and the wallet has what the books say, to the satoshi', async () => {
    const { start, owe, has, entries, balance, database } = await pool('first');
    await owe(123_456_789n, 200_000_001n, 300_000n, 5_000n);
    const payouts = start();
    const plan = await payouts.plan();
    expect(plan.batches.map((batch) => batch.length)).toEqual([3]);
    expect(plan.left).toMatchObject([{ account: miners[3], why: 'below-minimum' }]);
    const { batch, reason } = await payouts.run();
    expect(reason).toBeUndefined();
    expect(batch?.state).toBe('seen');
    const txid = batch?.variants[0]?.txid ?? '';
    expect(await node.rpc('getrawmempool')).toEqual([txid]);
    // Nothing more is owed, and what is under way is not paid again.
    expect((await payouts.run()).batch).toBeUndefined();
    await mine(1);
    await payouts.tick();
    expect(payouts.store.list(1)[0]?.state).toBe('confirmed');
    await mine(2);
    // Another process goes on.
    await start().tick();
    expect(payouts.store.list(1)[0]).toMatchObject({ state: 'settled', winner: txid });
    expect([await got(0), await got(1), await got(2)]).toEqual([123_456_789n, 200_000_001n, 300_000n]);
    expect(balance(0)).toMatchObject({ payableSats: 0n, inFlightSats: 0n, paidSats: 123_456_789n });
    expect(entries.balance(assets.wallet)).toBe(await has());
    expect(entries.balance(assets.inFlight)).toBe(0n);
    expect(checkLedger(database).filter(({ invariant }) => invariant !== 'entry-kind')).toEqual([]);
  });

  it('takes back what a reorg takes out of the chain, and books it again', async () => {
    const { start, owe, has, entries, balance } = await pool('reorg');
    const before = await got(0);
    await owe(1_000_000n);
    const payouts = start();
    await payouts.run();
    const [block = ''] = await mine(4);
    await payouts.tick();
    expect(balance(0)?.paidSats).toBe(1_000_000n);
    await node.rpc('invalidateblock', block);
    await payouts.tick();
    expect(balance(0)).toMatchObject({ paidSats: 0n, inFlightSats: 1_000_000n });
    await node.rpc('generatetoaddress', 6, NOWHERE);
    await payouts.tick();
    expect(payouts.store.list(1)[0]).toMatchObject({ state: 'settled', settlements: 2 });
    expect((await got(0)) - before).toBe(1_000_000n);
    expect(entries.balance(assets.wallet)).toBe(await has());
  });

  it('sends the same bytes again after an answer that says nothing', async () => {
    const { start, owe, has, entries, real } = await pool('lost');
    await owe(2_000_000n);
    const before = await got(0);
    const lost = { ok: false, fault: 'unclear', reason: 'no answer within 15000 ms' } as const;
    const port = withOther(real, {
      send: async (raw) => {
        await real.send(raw);
        return lost;
      },
    });
    expect((await start(port).run()).batch?.state).toBe('sent');
    const payouts = start();
    await payouts.run();
    await payouts.run();
    await mine(3);
    await payouts.tick();
    expect(payouts.store.list(9)).toMatchObject([{ state: 'settled' }]);
    expect((await got(0)) - before).toBe(2_000_000n);
    expect(entries.balance(assets.wallet)).toBe(await has());
  });

  it('replaces a payout that is stuck by one that spends the same coins', async () => {
    const { start, owe, has, entries } = await pool('stuck');
    await owe(3_000_000n);
    const before = await got(0);
    const payouts = start();
    await payouts.run();
    nowMs += 31 * 60_000;
    await payouts.tick();
    await payouts.tick();
    const [batch] = payouts.store.list(1);
    expect(batch?.variants.map(({ kind }) => kind)).toEqual(['pay', 'replace']);
    const [old, replacement] = batch?.variants ?? [];
    expect(replacement?.inputs).toEqual(expect.arrayContaining([...(old?.inputs ?? [])]));
    expect(replacement?.feeRate).toBeGreaterThan(old?.feeRate ?? 0n);
    expect(await node.rpc('getrawmempool')).toEqual([replacement?.txid]);
    await mine(3);
    await payouts.tick();
    expect(payouts.store.list(1)[0]).toMatchObject({ state: 'settled', winner: replacement?.txid });
    expect((await got(0)) - before).toBe(3_000_000n);
    expect(entries.balance(assets.wallet)).toBe(await has());
  });

  it('lets a child pay for a payout that can not be replaced', async () => {
    const { start, owe, has, entries, real } = await pool('child');
    await owe(4_000_000n);
    const payouts = start(
      withOther(real, {
        fund: (request) =>
          request.addInputs && request.inputs.length > 0 && request.feeRate > 1000n
            ? Promise.resolve({ ok: false, fault: 'poor', reason: 'Insufficient funds' })
            : real.fund(request),
      }),
    );
    await payouts.run();
    nowMs += 31 * 60_000;
    await payouts.tick();
    const [batch] = payouts.store.list(1);
    expect(batch?.trouble).toBeUndefined();
    expect(batch?.variants.map(({ kind }) => kind)).toEqual(['pay', 'child']);
    expect(await node.rpc<string[]>('getrawmempool')).toHaveLength(2);
    await mine(3);
    await payouts.tick();
    expect(payouts.store.list(1)[0]?.state).toBe('settled');
    expect(entries.balance(assets.wallet)).toBe(await has());
  });

  it('notices a second payer on a copy of its folder, and lets two that pay at once conflict', async () => {
    const { start, owe, path, real } = await pool('copied');
    await owe(5_000_000n, 6_000_000n);
    const payouts = start();
    // Its first look: what the wallet has sent before is no news from here on.
    expect((await start(withOther(real, { coins: gone })).run()).reason).toBe('gone');
    mkdirSync(join(folder, 'copy'));
    copyFileSync(join(path, LEDGER_FILE), join(folder, 'copy', LEDGER_FILE));
    copyFileSync(join(path, `${LEDGER_FILE}-wal`), join(folder, 'copy', `${LEDGER_FILE}-wal`));
    const copy = await book('copy', 'copied');
    const before = await got(0);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    // The copy has looked for other payers, and only then the first one sends.
    const late = withOther(copy.real, { send: (raw) => released.then(() => copy.real.send(raw)) });
    const second = copy.start(late);
    const running = second.run();
    await expect.poll(() => copy.start().store.list(1)[0]?.state).toBe('sent');
    expect((await payouts.run()).batch?.state).toBe('seen');
    release();
    await running;
    await mine(12);
    await payouts.tick();
    expect(payouts.store.list(1)[0]?.state).toBe('settled');
    await second.tick();
    const { reason, batch } = await second.run();
    expect(batch).toBeUndefined();
    expect(reason).toContain('spends this wallet');
    expect((await got(0)) - before).toBe(5_000_000n);
  });

  /** A ledger that was copied now, put back under another name later, when the pool has gone on. */
  async function copyNow(of: { readonly path: string }, name: string) {
    const path = join(folder, name);
    mkdirSync(path);
    const snapshot = new LedgerSnapshot(of.path);
    await snapshot.copyTo(path, () => {});
    snapshot.close();
    const copiedMs = nowMs;
    return { restore: () => markRestored(path, copiedMs) };
  }

  it('stops on a restored ledger for what was paid since the backup, and takes it over', async () => {
    const first = await pool('lost-pool');
    await first.owe(5_000_000n);
    // No look at the wallet has come before the copy: what leaves from now on must not count as the operator's.
    const copy = await copyNow(first, 'restored');
    const before = [await got(0), await got(1)];
    // These debts are lost with the pool, and are paid before that.
    await first.owe(1_000_000n, 6_000_000n);
    const paid = await first.start().run();
    const txid = paid.batch?.variants[0]?.txid ?? '';
    await mine(1);
    await first.start().tick();
    copy.restore();
    const second = await book('restored', 'lost-pool');
    const payouts = second.start();
    // A node that lacks blocks may lack the one with the payout.
    const behind = second.start(withOther(second.real, { synced: async () => ({ ok: true, value: false }) }));
    expect(await behind.run()).toMatchObject({ batch: undefined, reason: expect.stringContaining('restored') });
    expect(await payouts.run()).toMatchObject({ batch: undefined, reason: expect.stringContaining(txid) });
    expect(payouts.alarm).toContain('sluice payout adopt');
    const adopted = await payouts.adopt(txid);
    if ('error' in adopted) throw new Error(adopted.error);
    expect(adopted.batch).toMatchObject({ state: 'confirmed', winner: txid, method: 'wallet' });
    await mine(2);
    await payouts.tick();
    expect(payouts.store.list(9)).toMatchObject([{ state: 'settled' }]);
    expect(payouts.alarm).toBeUndefined();
    expect(second.balance(0)).toMatchObject({ payableSats: -1_000_000n, inFlightSats: 0n, paidSats: 6_000_000n });
    expect(second.balance(1)).toMatchObject({ payableSats: -6_000_000n, paidSats: 6_000_000n });
    expect(second.entries.balance(assets.wallet)).toBe(await second.has());
    expect(checkLedger(second.database).filter(({ invariant }) => invariant !== 'entry-kind')).toEqual([]);
    // The next payout goes on from the adopted one's change, and pays what was earned beyond what was paid.
    await second.owe(3_000_000n);
    const next = await payouts.run();
    expect(next.batch?.variants[0]?.inputs).toContainEqual({ txid, vout: adopted.batch.variants[0]?.changeIndex });
    await mine(3);
    await payouts.tick();
    expect([(await got(0)) - (before[0] ?? 0n), (await got(1)) - (before[1] ?? 0n)]).toEqual([8_000_000n, 6_000_000n]);
  });

  it('takes over a transaction that has replaced one of a restored ledger, and one that took its coins back', async () => {
    const first = await pool('replaced-pool');
    await first.owe(3_000_000n);
    const before = await got(0);
    await first.start().run();
    const copies = [await copyNow(first, 'replaced'), await copyNow(first, 'withdrawn')] as const;
    nowMs += 31 * 60_000;
    await first.start().tick();
    const replacement = first.start().store.list(1)[0]?.variants[1]?.txid ?? '';
    copies[0].restore();
    const second = await book('replaced', 'replaced-pool');
    expect((await second.start().run()).reason).toContain(replacement);
    const adopted = await second.start().adopt(replacement);
    if ('error' in adopted) throw new Error(adopted.error);
    expect(adopted.batch.variants.map(({ kind }) => kind)).toEqual(['pay', 'replace']);
    expect(second.start().store.list(9)).toHaveLength(1);
    // A third life gives the payout up.
    const cancelled = await second.start().cancel(adopted.batch.id);
    expect(cancelled).not.toHaveProperty('error');
    await mine(1);
    copies[1].restore();
    const third = await book('withdrawn', 'replaced-pool');
    const withdrawal = second.start().store.list(1)[0]?.variants[2]?.txid ?? '';
    expect((await third.start().run()).reason).toMatch(/[0-9a-f]{64}/);
    expect(await third.start().adopt(withdrawal)).not.toHaveProperty('error');
    await mine(9);
    await third.start().tick();
    expect(third.start().store.list(9)).toMatchObject([{ state: 'unpaid' }]);
    expect(third.balance(0)).toMatchObject({ payableSats: 3_000_000n, inFlightSats: 0n });
    expect((await got(0)) - before).toBe(0n);
    expect(third.entries.balance(assets.wallet)).toBe(await third.has());
  });

  it('sets an address aside that the node refuses to pay, and pays the others in the same run', async () => {
    const { start, owe, real } = await pool('poison');
    await owe(1_000_000n, 1_000_000n, 1_000_000n, 1_000_000n);
    const isPoison = ({ address }: { address: string }): boolean => address === miners[2];
    const port = withOther(real, {
      fund: (request) =>
        request.payees.some(isPoison)
          ? Promise.resolve({ ok: false, fault: 'refused', reason: 'scriptpubkey' })
          : real.fund(request),
    });
    const { batch } = await start(port).run();
    expect(batch?.items).toHaveLength(3);
    expect(start().store.aside()).toMatchObject([{ account: miners[2], reason: 'scriptpubkey' }]);
    await mine(3);
  });

  it('pays nobody if the wallet is too poor for all, locked, or gone', async () => {
    const { start, owe } = await pool('poor');
    await owe(100_000_000_000n, 1_000_000n);
    const payouts = start();
    const { batch, reason } = await payouts.run();
    expect(batch).toBeUndefined();
    expect(reason).toMatch(/the wallet has \d+ sats in confirmed coins, and the payout needs 100001000000/);
    expect(await node.rpc('getrawmempool')).toEqual([]);
    await call('poor', 'encryptwallet', 'secret');
    expect((await payouts.run()).reason).toContain('is locked: unlock it with walletpassphrase');
    await node.rpc('unloadwallet', 'poor');
    expect((await payouts.run()).reason).toContain('not loaded');
    expect(payouts.store.list(9)).toEqual([]);
  });

  it('exports a PSBT of a watch-only wallet, and takes back only what went out', async () => {
    const keys = await pool('keys');
    await node.rpc('createwallet', 'watch', true, true);
    const { descriptors } = await call<{ descriptors: { desc: string; internal: boolean }[] }>(
      'keys',
      'listdescriptors',
    );
    const segwit = descriptors.filter(({ desc }) => desc.startsWith('wpkh'));
    await call(
      ...(['watch', 'importdescriptors'] as const),
      segwit.map(({ desc, internal }) => ({ desc, internal, timestamp: 0, active: true, range: [0, 20] })),
    );
    const { start, owe, has, entries } = await book('watch', 'watch', { method: 'psbt' });
    await owe(7_000_000n);
    const payouts = start();
    const { batch } = await payouts.run();
    expect(batch?.state).toBe('funded');
    const id = batch?.id ?? '';
    const exported = await payouts.exportPsbt(id);
    if ('error' in exported) throw new Error(exported.error);
    // Another transaction of the same wallet is none of this payout's.
    const other = await keys.real.fund({
      ...{ payees: [{ address: miners[1] ?? '', sats: 7_000_000n }], inputs: batch?.variants[0]?.inputs ?? [] },
      ...{ addInputs: false, feeRate: 2000n },
    });
    const forged = await keys.real.sign(other.ok ? other.value.psbt : '');
    expect(await payouts.importSigned(forged.ok ? (forged.value.raw ?? '') : '')).toMatchObject({
      error: expect.stringContaining('does not spend or pay what it should'),
    });
    expect(await payouts.importSigned(exported.psbt)).toEqual({ error: 'signatures are missing' });
    const { psbt } = await call<{ psbt: string }>('keys', 'walletprocesspsbt', exported.psbt, true, 'ALL', true, false);
    expect(await payouts.importSigned(psbt)).toEqual({ id, txid: exported.txid });
    await mine(3);
    await payouts.tick();
    expect(payouts.store.find(id)?.state).toBe('settled');
    expect(entries.balance(assets.wallet)).toBe(await has());
  });

  it('pays once however often `sluice payout run` is killed, whatever its next step is', {
    timeout: 120_000,
  }, async () => {
    const { entries, database: written, path, has } = await pool('killed');
    const [before, had] = [await got(0), await has()];
    // The command checks the books before it pays, so these are of a kind that a pool books.
    const debts = [9_000_000n, 1_000_000n].map((sats, index) => ({
      account: payableOf(miners[index] ?? ''),
      sats: -sats,
    }));
    const lines = [{ account: own.ppsReserve, sats: 10_000_000n }, ...debts];
    written.transaction(() => entries.post({ kind: 'slice-paid', reference: 'slice:1', atMs: 1, lines })).immediate();
    opened.pop()?.close();
    const proxy = await killingProxy(`${node.url}/wallet/killed`);
    const config = join(path, 'sluice.toml');
    const payout = `[payout]\naddress = ${JSON.stringify(ELSEWHERE)}\n`;
    writeFileSync(config, `data = ${JSON.stringify(path)}\n[node]\nrpc = [${JSON.stringify(proxy.url)}]\n${payout}`);
    const start = (...args: string[]) => spawn(process.execPath, [cli, 'payout', ...args, '--config', config]);
    for (const [method, when] of [
      ['walletcreatefundedpsbt', 'after'],
      ['lockunspent', 'before'],
      ['lockunspent', 'after'],
      ['walletprocesspsbt', 'after'],
      ['testmempoolaccept', 'after'],
      ['sendrawtransaction', 'before'],
      ['sendrawtransaction', 'after'],
      ['gettransaction', 'after'],
    ] as const) {
      const child = start('run');
      proxy.next({ method, when }, () => child.kill('SIGKILL'));
      expect([method, ...(await once(child, 'exit'))]).toEqual([method, null, 'SIGKILL']);
    }
    const list = async (): Promise<{ payouts: { state: string }[] }> => {
      await once(start('run'), 'exit');
      const child = start('list', '--json');
      return JSON.parse(await text(child.stdout)) as { payouts: { state: string }[] };
    };
    expect((await list()).payouts).toMatchObject([{ state: 'seen', accounts: 2, output_sats: '10000000' }]);
    await mine(3);
    expect((await list()).payouts).toMatchObject([{ state: 'settled' }]);
    proxy.close();
    expect((await got(0)) - before).toBe(9_000_000n);
    const database = readLedger(path);
    expect(had + new EntryBook(database).balance(assets.wallet)).toBe(await has());
    expect(checkLedger(database)).toEqual([]);
    database.close();
  });

  it('ends a cancelled payout that may have left when its coins are buried elsewhere', async () => {
    const { start, owe, has, entries, balance } = await pool('cancel');
    await owe(8_000_000n);
    const payouts = start();
    const { batch } = await payouts.run();
    const id = batch?.id ?? '';
    expect(await payouts.cancel(id)).toMatchObject({ note: expect.stringContaining('10 deep') });
    expect(await node.rpc<string[]>('getrawmempool')).toEqual([payouts.store.find(id)?.variants[1]?.txid]);
    await mine(9);
    await payouts.tick();
    expect(payouts.store.find(id)?.state).toBe('confirmed');
    expect(balance(0)).toMatchObject({ payableSats: 0n, inFlightSats: 8_000_000n });
    await mine(1);
    await payouts.tick();
    expect(payouts.store.find(id)?.state).toBe('unpaid');
    expect(balance(0)).toMatchObject({ payableSats: 8_000_000n, inFlightSats: 0n });
    expect(entries.balance(assets.wallet)).toBe(await has());
  });
});

const gone: Wallet['coins'] = async () => ({ ok: false, fault: 'gone', reason: 'gone' });

/** A wallet with some of its methods replaced. */
function withOther(wallet: BitcoindWallet, other: Partial<Wallet>): Wallet {
  return new Proxy<Wallet>(wallet, {
    get(target, name: keyof Wallet) {
      const method = other[name] ?? target[name];
      return method.bind(target);
    },
  });
}
