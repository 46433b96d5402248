import { createHash } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import type { Endpoint } from './endpoint.ts';
import { CONNECT_TIMEOUT_MS, decodeUtf8, type Link, type LinkHandler, MESSAGE_BYTES_MAX } from './link.ts';
import { encodeFrame, FrameDecoder, OPCODE } from './websocket-frames.ts';

/** RFC 6455, section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Stratum over WebSocket: one message a text frame. Node 20 has no stable client of its own. */
export function openWebSocketLink(
  endpoint: Endpoint,
  handler: LinkHandler,
  randomBytes: (length: number) => Uint8Array,
): Link {
  const key = Buffer.from(randomBytes(16)).toString('base64');
  let socket: Socket | undefined;
  let reason = 'the pool closed the connection';
  let closed = false;
  const finish = (why: string): void => {
    if (closed) return;
    closed = true;
    handler.onClose(why);
  };

  const upgrade = request({
    host: endpoint.host,
    port: endpoint.port,
    path: endpoint.path,
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': key,
    },
  });
  const fail = (why: string): void => {
    reason = why;
    if (socket) socket.destroy();
    else upgrade.destroy(new Error(why));
  };
  upgrade.setTimeout(CONNECT_TIMEOUT_MS, () => fail('no WebSocket in time'));
  upgrade.on('error', (error) => finish(error.message));
  upgrade.on('response', (response) => {
    response.resume();
    fail(`the pool answered ${response.statusCode} instead of a WebSocket`);
  });
  upgrade.on('upgrade', (response, upgraded: Socket, head) => {
    socket = upgraded;
    upgraded.setTimeout(0);
    upgraded.setNoDelay(true);
    upgraded.on('error', (error) => {
      reason = error.message;
    });
    upgraded.once('close', () => finish(reason));
    const accept = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64');
    if (response.headers['sec-websocket-accept'] !== accept) return fail('the pool did not accept the WebSocket key');
    const decoder = new FrameDecoder(MESSAGE_BYTES_MAX, {
      onData(opcode, payload) {
        const text = opcode === OPCODE.text ? decodeUtf8(payload) : undefined;
        if (text === undefined) fail('the pool sent a WebSocket message that is no text');
        else if (!upgraded.destroyed) handler.onMessage(text);
      },
      onControl(opcode, payload) {
        if (opcode === OPCODE.ping) upgraded.write(encodeFrame(OPCODE.pong, payload, randomBytes(4)));
        if (opcode === OPCODE.close) upgraded.end(encodeFrame(OPCODE.close, payload.subarray(0, 2), randomBytes(4)));
      },
    });
    const take = (chunk: Uint8Array): void => {
      const problem = upgraded.destroyed ? undefined : decoder.push(chunk);
      if (problem) fail(`the pool sent ${problem}`);
    };
    upgraded.on('data', take);
    handler.onOpen();
    if (head.length > 0) take(head);
  });
  upgrade.end();

  return {
    send(messages) {
      if (!socket || socket.destroyed || !socket.writable) return;
      socket.write(Buffer.concat(messages.map((text) => encodeFrame(OPCODE.text, Buffer.from(text), randomBytes(4)))));
    },
    close: () => fail('closed by the miner'),
  };
}
