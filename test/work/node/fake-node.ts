import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { templateAnswer } from './fixtures.ts';

export type Reply =
  | { readonly status?: number; readonly result?: unknown; readonly code?: number }
  | 'silence'
  | undefined;

/** A Bitcoin node's RPC whose answers a test decides: real HTTP on a port of its own. */
export class FakeNode {
  readonly #server: Server;
  /** What a method is answered; undefined: as a healthy node on `tip` would. */
  reply: (method: string, params: readonly unknown[]) => Reply = () => undefined;
  /** Methods, in the order of their coming. */
  readonly calls: string[] = [];
  readonly #silent: (() => void)[] = [];
  /** Hash of the best block, display order. */
  tip = '0a'.repeat(32);
  chain = 'regtest';
  chainwork = 2;
  initialBlockDownload = false;
  template: Record<string, unknown> = {};

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<FakeNode> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => node.#answer(response, Buffer.concat(chunks).toString()));
    });
    const node = new FakeNode(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return node;
  }

  get url(): string {
    return `http://user:pass@127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get name(): string {
    return this.url.replace('user:pass@', '');
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Answers what was left in silence, as it would be answered now. */
  speak(): void {
    for (const answer of this.#silent.splice(0)) answer();
  }

  #answer(response: ServerResponse, body: string): void {
    const { method, params } = JSON.parse(body) as { method: string; params: unknown[] };
    this.calls.push(method);
    const reply = this.reply(method, params);
    if (reply === 'silence') this.#silent.push(() => this.#send(response, { result: this.#healthy(method) }));
    else this.#send(response, reply ?? { result: this.#healthy(method) });
  }

  #send(response: ServerResponse, { status = 200, result = null, code }: Exclude<Reply, 'silence' | undefined>): void {
    response.statusCode = status;
    if (status === 403 || status === 503) response.end();
    else response.end(JSON.stringify({ id: 1, result, error: code === undefined ? null : { code, message: 'no' } }));
  }

  #healthy(method: string): unknown {
    switch (method) {
      case 'getblockchaininfo':
        return {
          chain: this.chain,
          initialblockdownload: this.initialBlockDownload,
          chainwork: this.chainwork.toString(16).padStart(64, '0'),
          blocks: 1,
          headers: 1,
        };
      case 'getbestblockhash':
        return this.tip;
      case 'getblocktemplate':
        return { ...templateAnswer, previousblockhash: this.tip, ...this.template };
      default:
        return null;
    }
  }
}
