import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What happens to the next call of a method: its caller dies before the node has it, when the call has left (the node has it
 * all the same), or after the node has done it.
 */
export interface Fate {
  readonly method: string;
  readonly when: 'before' | 'during' | 'after';
}

export interface KillingProxy {
  /** As `url`, through the proxy. */
  readonly url: string;
  /** The fate of the next such call, which `kill` carries out. */
  next(fate: Fate, kill: () => void): void;
  close(): void;
}

/** Stands between an RPC client and its node, and kills the client at a call that the test names. */
export async function killingProxy(url: string): Promise<KillingProxy> {
  const target = new URL(url);
  let pending: { fate: Fate; kill: () => void } | undefined;
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const { method } = JSON.parse(body.toString()) as { method: string };
      const meant = pending?.fate.method === method ? pending : undefined;
      if (meant !== undefined) pending = undefined;
      if (meant?.fate.when === 'before') {
        meant.kill();
        return;
      }
      if (meant?.fate.when === 'during') meant.kill();
      const { url: path = '/', headers } = incoming;
      const options = { host: target.hostname, port: target.port, path, method: 'POST', headers, agent: false };
      const forwarded = request(options, (answer) => {
        if (meant === undefined) {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
          return;
        }
        answer.resume();
        if (meant.fate.when === 'after') answer.once('end', () => meant.kill());
      });
      forwarded.on('error', () => response.destroy());
      forwarded.end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    next: (fate, kill) => {
      pending = { fate, kill };
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
