import { WebSocket } from 'ws';
import type { Endpoint } from './endpoint.ts';
import { CONNECT_TIMEOUT_MS, decodeUtf8, type Link, type LinkHandler, MESSAGE_BYTES_MAX } from './link.ts';

/** Stratum over WebSocket: one message a text frame. */
export function openWebSocketLink({ host, port, path }: Endpoint, handler: LinkHandler): Link {
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const socket = new WebSocket(`ws://${authority}${path}`, {
    handshakeTimeout: CONNECT_TIMEOUT_MS,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
  });
  let reason = 'the pool closed the connection';
  const fail = (why: string): void => {
    reason = why;
    socket.terminate();
  };
  socket.on('open', () => handler.onOpen());
  socket.on('unexpected-response', (_request, response) => {
    response.resume();
    fail(`the pool answered ${response.statusCode} instead of a WebSocket`);
  });
  socket.on('message', (data, isBinary) => {
    const text = isBinary || !(data instanceof Buffer) ? undefined : decodeUtf8(data);
    if (text === undefined) fail('the pool sent a WebSocket message that is no text');
    else if (socket.readyState === WebSocket.OPEN) handler.onMessage(text);
  });
  // A reason that is known already is the cause of this error.
  socket.on('error', (error) => {
    if (reason === 'the pool closed the connection') reason = error.message;
  });
  socket.once('close', () => handler.onClose(reason));
  return {
    send(messages) {
      if (socket.readyState === WebSocket.OPEN) for (const text of messages) socket.send(text);
    },
    close: () => fail('closed by the miner'),
  };
}
