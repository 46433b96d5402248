import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Of a transaction, serialised: a mainnet block of 2 MB has about 4,000 of them. */
const TRANSACTION_BYTES = 500;
/** A new tip takes so many of the transactions away, and others come. */
const RENEWED_SHARE = 0.5;

interface Transaction {
  readonly data: string;
  readonly txid: string;
  readonly hash: string;
}

/** A Bitcoin node's RPC with a full mempool, as far as templates go: real HTTP, answers that are made before they are asked for. */
export class TemplateNode {
  readonly #server: Server;
  readonly #transactions: Transaction[];
  #body = Buffer.alloc(0);
  #tip = '';
  #height = 100;
  /** performance.now() when the last template had left; undefined before that of the present tip. */
  answeredMs: number | undefined;

  private constructor(server: Server, transactions: number) {
    this.#server = server;
    this.#transactions = Array.from({ length: transactions }, newTransaction);
    this.nextTip();
  }

  static async start(transactions: number): Promise<TemplateNode> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method } = JSON.parse(Buffer.concat(chunks).toString()) as { readonly method: string };
        if (method === 'getblocktemplate') {
          const tip = node.#tip;
          response.once('finish', () => {
            if (tip === node.#tip) node.answeredMs ??= performance.now();
          });
          response.end(node.#body);
        } else response.end(JSON.stringify({ id: 1, result: node.#small(method), error: null }));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const node = new TemplateNode(server, transactions);
    return node;
  }

  get url(): string {
    return `http://user:pass@127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Bytes of JSON of a template. */
  get bytes(): number {
    return this.#body.length;
  }

  /** Simulates a new block: changes the tip and a part of the mempool. Returns the tip as `mining.notify` writes it. */
  nextTip(): string {
    const renewed = Math.floor(this.#transactions.length * RENEWED_SHARE);
    this.#transactions.splice(0, renewed, ...Array.from({ length: renewed }, newTransaction));
    const tip = randomBytes(32);
    this.#height += 1;
    this.#body = Buffer.from(JSON.stringify({ id: 1, result: this.#template(tip.toString('hex')), error: null }));
    this.answeredMs = undefined;
    this.#tip = tip.toString('hex');
    return Buffer.from(tip).reverse().swap32().toString('hex');
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #small(method: string): unknown {
    if (method === 'getbestblockhash') return this.#tip;
    if (method !== 'getblockchaininfo') return null;
    const chainwork = this.#height.toString(16).padStart(64, '0');
    return { chain: 'regtest', initialblockdownload: false, chainwork, blocks: this.#height, headers: this.#height };
  }

  #template(previousblockhash: string): object {
    return {
      ...{ version: 0x2000_0000, previousblockhash, bits: '1d00ffff', height: this.#height },
      ...{ mintime: 1_700_000_000, curtime: Math.floor(Date.now() / 1000), coinbasevalue: 5_000_000_000 },
      transactions: this.#transactions,
      default_witness_commitment: `6a24aa21a9ed${'00'.repeat(32)}`,
    };
  }
}

function newTransaction(): Transaction {
  const [data, txid, hash] = [TRANSACTION_BYTES, 32, 32].map((bytes) => randomBytes(bytes).toString('hex'));
  return { data: data ?? '', txid: txid ?? '', hash: hash ?? '' };
}
