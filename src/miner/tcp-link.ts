import { connect } from 'node:net';
import type { Endpoint } from './endpoint.ts';
import { CONNECT_TIMEOUT_MS, decodeUtf8, type Link, type LinkHandler, MESSAGE_BYTES_MAX } from './link.ts';

/** Stratum over TCP: one message a line. */
export function openTcpLink(endpoint: Endpoint, handler: LinkHandler): Link {
  const socket = connect({ host: endpoint.host, port: endpoint.port, noDelay: true, keepAlive: true });
  let reason = 'the pool closed the connection';
  let rest = Buffer.alloc(0);
  const fail = (why: string): void => {
    reason = why;
    socket.destroy();
  };
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => fail('no connection in time'));
  socket.once('connect', () => {
    socket.setTimeout(0);
    handler.onOpen();
  });
  socket.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      const line = Buffer.concat([rest, chunk.subarray(start, end)]);
      rest = Buffer.alloc(0);
      start = end + 1;
      const text = line.length > MESSAGE_BYTES_MAX ? undefined : decodeUtf8(line);
      if (text === undefined) return fail('the pool sent a line that is too long or no UTF-8');
      if (text.trim() !== '') handler.onMessage(text);
      if (socket.destroyed) return;
    }
    rest = Buffer.concat([rest, chunk.subarray(start)]);
    if (rest.length > MESSAGE_BYTES_MAX) fail('the pool sent a line that is too long');
  });
  socket.on('end', () => socket.end());
  socket.on('error', (error) => {
    reason = error.message;
  });
  socket.once('close', () => handler.onClose(reason));
  return {
    send(messages) {
      if (!socket.destroyed && socket.writable) socket.write(messages.map((text) => `${text}\n`).join(''));
    },
    close: () => fail('closed by the miner'),
  };
}
