import { toDisplayHash } from '#base/bitcoin/bytes';
import type { Logger } from '#base/domain/ports';

/** A running subscription. */
export interface Subscription {
  close(): void;
}

export interface SubscriptionModules {
  readonly logger: Logger;
  /** The new tip's hash, internal order. */
  readonly onBlock: (hash: Uint8Array) => void;
  /** The endpoint has accepted a connection, or has ended it. ZeroMQ connects again on its own. */
  readonly onState: (connected: boolean) => void;
}

/**
 * Subscribes to bitcoind's `hashblock` (doc/zmq.md). ZeroMQ loses messages while it is not connected, so polling goes on
 * beside it. Returns undefined, with a warning, if the optional package is not installed.
 */
export async function subscribeBlocks(
  address: string,
  { logger, onBlock, onState }: SubscriptionModules,
): Promise<Subscription | undefined> {
  try {
    const { Subscriber } = await import('zeromq');
    const socket = new Subscriber({ linger: 0 });
    // The handshake distinguishes a publisher from any other program on that port.
    socket.events.on('handshake', () => onState(true));
    socket.events.on('disconnect', () => onState(false));
    socket.connect(address);
    socket.subscribe('hashblock');
    void listen(socket);
    return { close: () => socket.close() };
  } catch (error) {
    logger.warn({ address, error: String(error) }, 'no ZeroMQ: new blocks are found by polling only');
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
      logger.warn(
        { address, error: String(error) },
        'the ZeroMQ subscription ended: new blocks are found by polling only',
      );
    }
  }
}
