import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Transport } from './stratum-client.ts';

/**
 * A small WebSocket client (RFC 6455) for tests, written from the standard: Node 20 has none, and the pool's own side is
 * another implementation. Frames can be sent whole, in pieces, or wrong.
 */

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export const opcodes = { continuation: 0x0, text: 0x1, binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly bytes: number;
}

/** A masked client frame. */
export function clientFrame(opcode: number, payload: Uint8Array, final = true): Buffer {
  const size = payload.length;
  const header = size < 126 ? Buffer.alloc(2) : size < 65536 ? Buffer.alloc(4) : Buffer.alloc(10);
  header[0] = (final ? 0x80 : 0) | opcode;
  if (size < 126) header[1] = 0x80 | size;
  else if (size < 65536) {
    header[1] = 0x80 | 126;
    header.writeUInt16BE(size, 2);
  } else {
    header[1] = 0x80 | 127;
    header.writeBigUInt64BE(BigInt(size), 2);
  }
  const mask = randomBytes(4);
  const masked = Buffer.from(payload);
  for (let index = 0; index < size; index += 1) masked[index] = (masked[index] ?? 0) ^ (mask[index % 4] ?? 0);
  return Buffer.concat([header, mask, masked]);
}

/** The first frame of the bytes; undefined while it is not whole. A server's frames are not masked. */
function serverFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1);
  if ((short & 0x80) !== 0) throw new Error('a server frame is masked');
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return undefined;
  const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + size) return undefined;
  return { opcode: bytes.readUInt8(0) & 0x0f, payload: bytes.subarray(start, start + size), bytes: start + size };
}

export class WebSocketClient implements Transport {
  readonly socket: Socket;
  onMessage: (text: string) => void = () => {};
  onClose: () => void = () => {};
  /** Opcodes of the frames that came, in order. */
  readonly received: number[] = [];
  /** The code of the server's close frame. */
  closeCode: number | undefined;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('close', () => this.onClose());
  }

  /** Connects and upgrades; rejects with the status line where the server does not want to. */
  static open(host: string, port: number, path = '/'): Promise<WebSocketClient> {
    return new Promise((resolve, reject) => {
      const key = randomBytes(16).toString('base64');
      const socket = connect({ host, port, noDelay: true });
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed during the handshake')));
      let head = Buffer.alloc(0);
      const read = (chunk: Buffer): void => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end === -1) return;
        socket.off('data', read);
        const lines = head.subarray(0, end).toString('latin1').split('\r\n');
        const accept = createHash('sha1')
          .update(key + GUID)
          .digest('base64');
        const accepted = lines.some((line) => line.toLowerCase() === `sec-websocket-accept: ${accept}`.toLowerCase());
        if (!lines[0]?.startsWith('HTTP/1.1 101') || !accepted) {
          socket.destroy();
          reject(new Error(lines[0]));
          return;
        }
        const client = new WebSocketClient(socket);
        resolve(client);
        // Frames may have come with the handshake: not before the caller has put its handlers in place.
        const early = head.subarray(end + 4);
        if (early.length > 0) setImmediate(() => client.#take(early));
      };
      socket.on('data', read);
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
    });
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let frame = serverFrame(this.#rest); frame !== undefined; frame = serverFrame(this.#rest)) {
      this.#rest = this.#rest.subarray(frame.bytes);
      this.received.push(frame.opcode);
      if (frame.opcode === opcodes.text) this.onMessage(frame.payload.toString('utf8'));
      else if (frame.opcode === opcodes.ping) this.socket.write(clientFrame(opcodes.pong, frame.payload));
      else if (frame.opcode === opcodes.close) {
        this.closeCode = frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : undefined;
        this.socket.end(clientFrame(opcodes.close, frame.payload.subarray(0, 2)));
      }
    }
  }

  send(text: string): void {
    this.socket.write(clientFrame(opcodes.text, Buffer.from(text)));
  }

  close(): void {
    this.socket.destroy();
  }
}
