import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { MESSAGE_BYTES_MAX } from '#miner/link';
import { openWebSocketLink } from '#miner/websocket-link';

let server: Server | undefined;

/** Opens a link to a server that greets each WebSocket; resolves with why the link closed, and what it brought. */
async function visit(greet?: (socket: WebSocket) => void): Promise<{ reason: string; messages: string[] }> {
  server = createServer((_request, response) => response.writeHead(404).end());
  if (greet) new WebSocketServer({ server }).on('connection', greet);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const messages: string[] = [];
  return new Promise((resolve) => {
    openWebSocketLink(
      { transport: 'websocket', host: '127.0.0.1', port, path: '/' },
      {
        onOpen: () => {},
        onMessage: (text) => messages.push(text),
        onClose: (reason) => resolve({ reason, messages }),
      },
    );
  });
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

describe('a link over WebSocket', () => {
  it('says what a server that speaks no WebSocket answered', async () => {
    expect((await visit()).reason).toBe('the pool answered 404 instead of a WebSocket');
  });

  it('takes no binary message', async () => {
    const { reason, messages } = await visit((socket) => socket.send(Buffer.from('{}')));
    expect(reason).toBe('the pool sent a WebSocket message that is no text');
    expect(messages).toEqual([]);
  });

  it('takes no message that is too long', async () => {
    const { messages, reason } = await visit((socket) => socket.send('x'.repeat(MESSAGE_BYTES_MAX + 1)));
    expect(reason).toContain('payload');
    expect(messages).toEqual([]);
  });

  it('brings text in its order, and says that the pool closed', async () => {
    const { messages, reason } = await visit((socket) => {
      socket.send('one');
      socket.send('two');
      socket.close();
    });
    expect(messages).toEqual(['one', 'two']);
    expect(reason).toBe('the pool closed the connection');
  });
});
