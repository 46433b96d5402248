import Database from 'better-sqlite3';
import { networks, payments, Transaction } from 'bitcoinjs-lib';
import { parseAddress } from '#base/bitcoin/address';
import { toHex } from '#base/bitcoin/bytes';
import type { Outpoint, Wallet, WalletAnswer, WalletFault } from '#base/domain/wallet';
import { checkLedger } from '#books/ledger/check';
import { assets, minerBalances, own, payableOf } from '#books/ledger/entries/accounts';
import { EntryBook } from '#books/ledger/entries/book';
import { type LedgerDatabase, memoryLedger } from '#books/ledger/ledger-db';
import { Payouts } from '#books/ledger/payouts/payouts';
import type { PayoutRules } from '#books/ledger/payouts/rules';
import { SimulatedCoins, type StoredCoins } from '#work/node/simulated-coins';
import { keyOf } from '#work/node/simulated-key';
import { SimulatedWallet } from '#work/node/simulated-wallet';

/** A process that was killed at this very place. */
export class Killed extends Error {}

export type Random = () => number;

/** mulberry32. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Accounts of miners: addresses of four kinds that regtest can pay. */
export const miners = [
  'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  'bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry',
  'bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6',
  'mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn',
  '2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc',
  'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202',
].filter((address) => parseAddress(address, 'regtest').ok);

/** One of many addresses. */
export function addressOf(index: number): string {
  const hash = Uint8Array.from([...new Uint8Array(16), ...u32(index + 1)]);
  return payments.p2wpkh({ hash, network: networks.regtest }).address ?? fail('no address');
}

export const rules: PayoutRules = {
  ...{ network: 'regtest', method: 'wallet', addresses: new Map(), minimumSats: 10_000n, minimums: new Map() },
  ...{ networkFee: 'pool', feeRateMin: 1000n, feeRateMax: 100_000n, settleDepth: 3, buryDepth: 10 },
};

export const COINBASE_SATS = 5_000_000n;

/** How likely each fault is, 0 to 1, at each call. */
export interface Faults {
  /** The process dies before the call, or after what the call does. */
  kill: number;
  /** The call does nothing and fails. */
  refuse: number;
  /** The call does what it should, and its answer is lost. */
  lose: number;
}

export const calm: Faults = { kill: 0, refuse: 0, lose: 0 };

interface Block {
  readonly before: StoredCoins;
  readonly height: number;
  readonly transactions: Transaction[];
  readonly ours: boolean;
}

/** A chain, its wallet, and ledgers that pay from it. */
export class World {
  readonly random: Random;
  readonly key = keyOf(new Uint8Array(32).fill(7)) ?? fail('no key');
  coins = new SimulatedCoins(this.key);
  faults: Faults = calm;
  /** Addresses that the node refuses to pay. */
  readonly poison = new Set<string>();
  /** Answers that count as the wallet's state. */
  standing: WalletFault | undefined;
  nowMs = 1_700_000_000_000;
  #serial = 0;
  /** The coins before each block, and its transactions. */
  readonly #blocks: Block[] = [];
  readonly wallet: Wallet;
  /** What was seen to happen, so that a test can tell whether it saw anything. */
  readonly seen = new Map<string, number>();

  constructor(seed: number) {
    this.random = seeded(seed);
    const real = new SimulatedWallet({ key: this.key, coins: () => this.coins, changed: () => undefined });
    this.wallet = this.#faulty(real);
  }

  /** Mines a block with what waits; its coinbase pays the wallet if `ours`. */
  mine(blocks = 1, ours = false): void {
    for (let block = 0; block < blocks; block += 1) {
      const before = { before: this.coins.store(), height: this.coins.height };
      const waiting = this.coins.waiting().map(({ data }) => Transaction.fromBuffer(data));
      const transactions = [this.#coinbase(ours), ...waiting];
      this.coins.connect(transactions);
      this.#blocks.push({ ...before, transactions, ours });
    }
  }

  /** Takes back the newest blocks, but none of ours; their transactions wait again, or are lost. */
  reorg(depth: number, keep: boolean): void {
    const ours = this.#blocks.findLastIndex((block) => block.ours);
    const back = this.#blocks.splice(Math.max(ours + 1, this.#blocks.length - depth));
    const [first] = back;
    if (first === undefined) return;
    const waiting = this.coins.waiting().map(({ data }) => Transaction.fromBuffer(data));
    this.coins = new SimulatedCoins(this.key, first.height, first.before);
    const others = [...back.flatMap(({ transactions }) => transactions.slice(1)), ...waiting];
    for (const transaction of keep ? others : []) {
      if (this.coins.faultOf(transaction) === undefined) this.coins.enter(transaction);
    }
  }

  /** A transaction of somebody else who has the wallet's key: takes these coins, and is mined. */
  async stranger(coins: readonly Outpoint[]): Promise<void> {
    const sats = coins.reduce((sum, { txid, vout }) => sum + (this.coins.coin(txid, vout)?.sats ?? 0n), 0n);
    if (sats === 0n) return;
    const wallet = new SimulatedWallet({ key: this.key, coins: () => this.coins, changed: () => undefined });
    const request = { payees: [{ address: miners[0] ?? '', sats }], inputs: coins, addInputs: false, feeRate: 90_000n };
    const funded = await wallet.fund({ ...request, feeFromPayee: true });
    const signed = funded.ok ? await wallet.sign(funded.value.psbt) : undefined;
    if (signed?.ok === true) await wallet.send(signed.value.raw ?? '');
    this.mine();
  }

  /** What the blocks have paid to an address. */
  paidTo(address: string): bigint {
    const read = parseAddress(address, 'regtest');
    const script = read.ok ? toHex(read.script) : '';
    const outputs = this.#blocks.flatMap(({ transactions }) => transactions.slice(1)).flatMap(({ outs }) => outs);
    return outputs.filter((out) => toHex(out.script) === script).reduce((sum, { value }) => sum + value, 0n);
  }

  /** All that the wallet has, in blocks and on the way to them. */
  get walletSats(): bigint {
    return this.coins.unspent().reduce((sum, { sats }) => sum + sats, 0n);
  }

  maybe(chance: number): boolean {
    return this.random() < chance;
  }

  note(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  /** Dies with the likelihood that is set: for places that are no calls of the wallet. */
  mayDie(): void {
    if (this.maybe(this.faults.kill)) throw new Killed();
  }

  #coinbase(ours: boolean): Transaction {
    const coinbase = new Transaction();
    this.#serial += 1;
    coinbase.addInput(new Uint8Array(32), 0xffff_ffff, 0xffff_ffff, Uint8Array.of(4, ...u32(this.#serial)));
    coinbase.addOutput(ours ? this.key.script : Uint8Array.of(0x51), COINBASE_SATS);
    return coinbase;
  }

  #faulty(real: SimulatedWallet): Wallet {
    const call = async <T>(name: string, act: () => Promise<WalletAnswer<T>>): Promise<WalletAnswer<T>> => {
      if (this.standing !== undefined && !(this.standing === 'locked' && name !== 'sign')) {
        return { ok: false, fault: this.standing, reason: `${name}: ${this.standing}` };
      }
      this.mayDie();
      if (this.maybe(this.faults.refuse)) {
        this.note('refused');
        return { ok: false, fault: this.maybe(0.5) ? 'gone' : 'unclear', reason: `${name}: no answer` };
      }
      const answer = await act();
      if (this.maybe(this.faults.kill)) {
        this.note(`killed after ${name}`);
        throw new Killed();
      }
      if (!this.maybe(this.faults.lose)) return answer;
      this.note(`lost ${name}`);
      return { ok: false, fault: 'unclear', reason: `${name}: the answer was lost` };
    };
    return {
      status: () => call('status', () => real.status()),
      synced: () => call('synced', () => real.synced()),
      coins: () => call('coins', () => real.coins()),
      feeRate: () => call('feeRate', () => real.feeRate()),
      fund: (request) =>
        call('fund', async () =>
          request.payees.some(({ address }) => this.poison.has(address))
            ? { ok: false, fault: 'refused', reason: 'scriptpubkey' }
            : real.fund(request),
        ),
      lock: (coins, on) => call('lock', () => real.lock(coins, on)),
      sign: (psbt) => call('sign', () => real.sign(psbt)),
      test: (raw) => call('test', () => real.test(raw)),
      send: (raw) => call('send', () => real.send(raw)),
      place: (txid) => call('place', () => real.place(txid)),
      outgoing: () => call('outgoing', () => real.outgoing()),
      transaction: (txid) => call('transaction', () => real.transaction(txid)),
      newAddress: () => call('newAddress', () => real.newAddress()),
    };
  }
}

/** A ledger that pays from a world's wallet; it survives the death of its process. */
export class Payer {
  readonly world: World;
  readonly database: LedgerDatabase;
  readonly book: EntryBook;
  readonly lines: string[] = [];
  readonly #rules: PayoutRules;
  readonly #name: string;
  #ids = 0;
  payouts: Payouts;

  constructor(world: World, given: Partial<PayoutRules> = {}, name = 'a', copyOf?: LedgerDatabase) {
    this.world = world;
    this.#name = name;
    this.#rules = { ...rules, ...given };
    this.database = copyOf === undefined ? memoryLedger() : new Database(copyOf.serialize());
    this.database.defaultSafeIntegers(true);
    this.book = new EntryBook(this.database);
    this.payouts = this.#open();
  }

  /** Another payer on a copy of this ledger. */
  copy(): Payer {
    return new Payer(this.world, this.#rules, `${this.#name}'`, this.database);
  }

  restart(): void {
    this.payouts = this.#open();
  }

  /** Mines a block of ours, and books its coins as mature debts; the rest is the pool's fee. */
  earn(shares: readonly (readonly [string, bigint])[]): void {
    this.world.mine(1, true);
    const debts = shares.map(([account, sats]) => ({ account: payableOf(account), sats: -sats }));
    const rest = COINBASE_SATS - shares.reduce((sum, [, sats]) => sum + sats, 0n);
    const lines = [{ account: assets.wallet, sats: COINBASE_SATS }, ...debts, { account: own.fee, sats: -rest }];
    const posting = {
      kind: 'block',
      reference: `block:${this.#name}:${this.world.coins.height}:${this.book.head().entries}`,
      atMs: this.world.nowMs,
      lines,
    };
    this.database.transaction(() => this.book.post(posting)).immediate();
  }

  balances() {
    return minerBalances(this.book.balances());
  }

  faults() {
    // The coins that `earn` books are of no block.
    return checkLedger(this.database).filter(({ invariant }) => invariant !== 'block-known');
  }

  /** Runs something as the process does: if it dies, another one is started on the same ledger. */
  async live(act: (payouts: Payouts) => Promise<unknown>): Promise<void> {
    try {
      await act(this.payouts);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.world.note('killed');
      this.restart();
    }
  }

  #open(): Payouts {
    const { world } = this;
    const log = (fields: object, message: string): void => {
      this.lines.push(`${message} ${JSON.stringify(fields)}`);
      world.mayDie();
    };
    return new Payouts(this.#rules, {
      database: this.database,
      wallet: world.wallet,
      clock: {
        nowMs: () => {
          // Most calls are inside a transaction of the ledger, which is rolled back then.
          world.mayDie();
          return world.nowMs;
        },
      },
      logger: { debug: log, info: log, warn: log, error: log },
      newId: () => `${this.#name}${String(++this.#ids).padStart(4, '0')}${Math.floor(world.random() * 1e9)}`,
      halted: () => undefined,
    });
  }
}

function u32(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
}

function fail(message: string): never {
  throw new Error(message);
}
