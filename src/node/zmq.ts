import { toDisplayHash } from '../bitcoin/bytes.ts';
import type { Logger } from '../domain/ports.ts';

/** A running subscription. */
export interface BlockSignal {
  close(): void;
}

/**
 * Listens to bitcoind's `hashblock` (doc/zmq.md): `onBlock` gets the new tip's hash, internal order. ZeroMQ connects again
 * on its own and loses messages on the way, so polling goes on beside it. Without the optional package there is a
 * warning and polling alone.
 */
export async function subscribeBlocks(
  options: { readonly address: string; readonly onBlock: (hash: Uint8Array) => void },
  modules: { readonly logger: Logger },
): Promise<BlockSignal | undefined> {
  const { address, onBlock } = options;
  const { logger } = modules;
  try {
    const { Subscriber } = await import('zeromq');
    const socket = new Subscriber({ linger: 0 });
    socket.connect(address);
    socket.subscribe('hashblock');
    void listen(socket);
    return { close: () => socket.close() };
  } catch (error) {
    logger.warn({ address, error: String(error) }, 'no ZeroMQ: new blocks are noticed by polling only');
    return undefined;
  }

  async function listen(socket: AsyncIterable<Buffer[]>): Promise<void> {
    try {
      for await (const [topic, body] of socket) {
        if (topic?.toString('latin1') !== 'hashblock' || body?.length !== 32) continue;
        const hash = Uint8Array.from(body).reverse();
        logger.debug({ hash: toDisplayHash(hash) }, 'the node signals a block');
        onBlock(hash);
      }
    } catch (error) {
      logger.warn({ address, error: String(error) }, 'the ZeroMQ subscription ended: polling goes on');
    }
  }
}
