import type {
  FundedTransaction,
  FundRequest,
  MempoolVerdict,
  OutgoingTransactions,
  Outpoint,
  TransactionPlace,
  Wallet,
  WalletAnswer,
  WalletCoin,
  WalletStatus,
} from '#base/domain/wallet';
import type { RpcAnswer, RpcClient } from './rpc.ts';
import {
  coinsOf,
  faultOf,
  fieldsOf,
  isAlreadyInChain,
  isNotFound,
  isTxid,
  isWhole,
  readCoins,
  readFunded,
  readLockedCoin,
  readOutgoing,
  readOutpoints,
  readVerdict,
  satsOf,
  strange,
} from './wallet-answers.ts';

/**
 * bitcoind's own bound of 10,000 sat/vB is lifted: a withdrawal that replaces a large batch is small, and must pay more than the
 * batch all the same. `payout.fee-rate-max` bounds what payouts pay, and `-maxtxfee` what a transaction does.
 */
const ANY_FEE_RATE = 0;
const TIMEOUT_MS = 15_000;
/** Choosing inputs and signing a large transaction takes seconds on a small machine. */
const SLOW_TIMEOUT_MS = 60_000;
const ANSWER_BYTES_MAX = 64 << 20;
/** Outgoing transactions are told of again until they are so deep: a reorg may bring others. */
const OUTGOING_DEPTH = 101;

/**
 * A wallet of bitcoind, over RPC: the calls that name a wallet go to the URL's own path, `…/wallet/NAME`. Unlike the
 * template feed there is no second node to ask: a wallet is in one place.
 */
export class BitcoindWallet implements Wallet {
  readonly #rpc: RpcClient;

  constructor(rpc: RpcClient) {
    this.#rpc = rpc;
  }

  async status(): Promise<WalletAnswer<WalletStatus>> {
    const [info, balances] = await Promise.all([this.#ask('getwalletinfo'), this.#ask('getbalances')]);
    if (!info.ok) return faultOf('getwalletinfo', info.failure);
    if (!balances.ok) return faultOf('getbalances', balances.failure);
    const { walletname, private_keys_enabled: signs, unlocked_until: until } = fieldsOf(info.result);
    const mine = fieldsOf(fieldsOf(balances.result)['mine']);
    const [spendableSats, immatureSats] = [satsOf(mine['trusted']), satsOf(mine['immature'])];
    if (typeof walletname !== 'string' || spendableSats === undefined || immatureSats === undefined) {
      return strange('getbalances');
    }
    const name = walletname === '' ? this.#rpc.name : walletname.slice(0, 100);
    return { ok: true, value: { name, spendableSats, immatureSats, signs: signs !== false, locked: until === 0 } };
  }

  async synced(): Promise<WalletAnswer<boolean>> {
    const answer = await this.#ask('getblockchaininfo');
    if (!answer.ok) return faultOf('getblockchaininfo', answer.failure);
    const { blocks, headers, chain, initialblockdownload } = fieldsOf(answer.result);
    if (!isWhole(blocks) || !isWhole(headers)) return strange('getblockchaininfo');
    // A test chain that stands still for a day counts as one that is being downloaded.
    return { ok: true, value: headers <= blocks && !(chain === 'main' && initialblockdownload === true) };
  }

  async coins(): Promise<WalletAnswer<readonly WalletCoin[]>> {
    const [free, locked] = await Promise.all([
      this.#read('listunspent', [1], readCoins),
      this.#read('listlockunspent', [], readOutpoints),
    ]);
    if (!free.ok) return free;
    if (!locked.ok) return locked;
    const coins = [...free.value];
    for (const outpoint of locked.value) {
      const answer = await this.#ask('gettxout', [outpoint.txid, outpoint.vout, true]);
      if (!answer.ok) return faultOf('gettxout', answer.failure);
      const coin = readLockedCoin(outpoint, answer.result);
      if (coin !== undefined) coins.push(coin);
    }
    return { ok: true, value: coins };
  }

  async feeRate(blocks: number): Promise<WalletAnswer<bigint | undefined>> {
    const answer = await this.#ask('estimatesmartfee', [blocks]);
    if (!answer.ok) return faultOf('estimatesmartfee', answer.failure);
    const rate = satsOf(fieldsOf(answer.result)['feerate']);
    return { ok: true, value: rate !== undefined && rate > 0n ? rate : undefined };
  }

  fund({ payees, inputs, addInputs, feeRate, feeFromPayee }: FundRequest): Promise<WalletAnswer<FundedTransaction>> {
    const options = {
      add_inputs: addInputs,
      // Inputs that the wallet adds are confirmed: a replacement must not spend what it replaces.
      minconf: 1,
      // sat/vB, as a text: a double would do, a text is exact.
      fee_rate: `${feeRate / 1000n}.${String(feeRate % 1000n).padStart(3, '0')}`,
      replaceable: true,
      ...(feeFromPayee === true && { subtractFeeFromOutputs: [0] }),
    };
    const outputs = payees.map(({ address, sats }) => ({ [address]: coinsOf(sats) }));
    const chosen = inputs.map(({ txid, vout }) => ({ txid, vout }));
    return this.#read('walletcreatefundedpsbt', [chosen, outputs, 0, options, true], readFunded, SLOW_TIMEOUT_MS);
  }

  async lock(coins: readonly Outpoint[], on: boolean): Promise<WalletAnswer<void>> {
    const held = await this.#read('listlockunspent', [], readOutpoints);
    if (!held.ok) return held;
    const names = new Set(held.value.map(({ txid, vout }) => `${txid}:${vout}`));
    const isHeld = ({ txid, vout }: Outpoint): boolean => names.has(`${txid}:${vout}`);
    const wanted = coins.filter((coin) => isHeld(coin) !== on).map(({ txid, vout }) => ({ txid, vout }));
    if (wanted.length === 0) return { ok: true, value: undefined };
    const answer = await this.#ask('lockunspent', [!on, wanted]);
    return answer.ok ? { ok: true, value: undefined } : faultOf('lockunspent', answer.failure);
  }

  async sign(psbt: string): Promise<WalletAnswer<{ psbt: string; raw: string | undefined }>> {
    const processed = await this.#ask('walletprocesspsbt', [psbt, true, 'ALL', true, false], SLOW_TIMEOUT_MS);
    if (!processed.ok) return faultOf('walletprocesspsbt', processed.failure);
    const signed = fieldsOf(processed.result)['psbt'];
    if (typeof signed !== 'string') return strange('walletprocesspsbt');
    const finalized = await this.#ask('finalizepsbt', [signed, true], SLOW_TIMEOUT_MS);
    if (!finalized.ok) return faultOf('finalizepsbt', finalized.failure);
    const { complete, hex } = fieldsOf(finalized.result);
    const raw = complete === true && typeof hex === 'string' ? hex : undefined;
    return { ok: true, value: { psbt: signed, raw } };
  }

  test(raw: string): Promise<WalletAnswer<MempoolVerdict>> {
    return this.#read('testmempoolaccept', [[raw], ANY_FEE_RATE], readVerdict);
  }

  async send(raw: string): Promise<WalletAnswer<void>> {
    const answer = await this.#ask('sendrawtransaction', [raw, ANY_FEE_RATE]);
    if (answer.ok) return isTxid(answer.result) ? { ok: true, value: undefined } : strange('sendrawtransaction');
    if (isAlreadyInChain(answer.failure)) return { ok: true, value: undefined };
    return faultOf('sendrawtransaction', answer.failure);
  }

  async place(txid: string): Promise<WalletAnswer<TransactionPlace>> {
    const answer = await this.#ask('gettransaction', [txid]);
    if (!answer.ok && !isNotFound(answer.failure)) return faultOf('gettransaction', answer.failure);
    const confirmations = answer.ok ? fieldsOf(answer.result)['confirmations'] : 0;
    if (!isWhole(confirmations)) return strange('gettransaction');
    if (confirmations > 0) return { ok: true, value: { at: 'chain', confirmations } };
    if (confirmations < 0) return { ok: true, value: { at: 'conflicted', confirmations: -confirmations } };
    const entry = await this.#ask('getmempoolentry', [txid]);
    if (entry.ok) return { ok: true, value: { at: 'mempool' } };
    if (!isNotFound(entry.failure)) return faultOf('getmempoolentry', entry.failure);
    return { ok: true, value: { at: answer.ok ? 'known' : 'none' } };
  }

  outgoing(cursor: string | undefined): Promise<WalletAnswer<OutgoingTransactions>> {
    const params = [cursor ?? '', OUTGOING_DEPTH, true, true, false];
    return this.#read('listsinceblock', params, readOutgoing, SLOW_TIMEOUT_MS);
  }

  async transaction(txid: string): Promise<WalletAnswer<string | undefined>> {
    const answer = await this.#ask('gettransaction', [txid]);
    if (!answer.ok) {
      return isNotFound(answer.failure) ? { ok: true, value: undefined } : faultOf('gettransaction', answer.failure);
    }
    const { hex } = fieldsOf(answer.result);
    return typeof hex === 'string' ? { ok: true, value: hex } : strange('gettransaction');
  }

  newAddress(): Promise<WalletAnswer<string>> {
    return this.#read('getnewaddress', [], (result) => (typeof result === 'string' ? result : undefined));
  }

  close(): void {
    this.#rpc.close();
  }

  async #read<T>(
    method: string,
    params: readonly unknown[],
    read: (result: unknown) => T | undefined,
    timeoutMs = TIMEOUT_MS,
  ): Promise<WalletAnswer<T>> {
    const answer = await this.#ask(method, params, timeoutMs);
    if (!answer.ok) return faultOf(method, answer.failure);
    const value = read(answer.result);
    return value === undefined ? strange(method) : { ok: true, value };
  }

  async #ask(method: string, params: readonly unknown[] = [], timeoutMs = TIMEOUT_MS): Promise<RpcAnswer> {
    return this.#rpc.call({ method, params, timeoutMs, answerBytesMax: ANSWER_BYTES_MAX });
  }
}
