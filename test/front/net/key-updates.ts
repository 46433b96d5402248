import { createCipheriv, createHmac } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** The only cipher that `KeyUpdates` can do. */
export const CIPHER = 'TLS_AES_128_GCM_SHA256';

/** RFC 8446, section 7.1, for one block of output. */
function expandLabel(secret: Buffer, label: string, bytes: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.of(0, bytes, name.length), name, Buffer.of(0, 1)]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, bytes);
}

/** Makes TLS 1.3 records that ask for new keys, as Node.js's own client can not. After the first of them that client can not write any more. */
export class KeyUpdates {
  #secret: Promise<Buffer>;

  /** To be made before the handshake. The client must not have written anything. */
  constructor(client: TLSSocket) {
    this.#secret = new Promise((resolve) => {
      client.on('keylog', (line: Buffer) => {
        const [label, , secret = ''] = line.toString().trim().split(' ');
        if (label === 'CLIENT_TRAFFIC_SECRET_0') resolve(Buffer.from(secret, 'hex'));
      });
    });
  }

  /** So many of them, as they are written below TLS. */
  async take(count: number): Promise<Buffer> {
    const records: Buffer[] = [];
    let secret = await this.#secret;
    // Type 24, 1 byte, 0: no answer is asked for. Then the type of the record.
    const update = Buffer.from('180000010016', 'hex');
    const header = Buffer.from('1703030016', 'hex');
    for (let i = 0; i < count; i += 1) {
      const cipher = createCipheriv('aes-128-gcm', expandLabel(secret, 'key', 16), expandLabel(secret, 'iv', 12));
      cipher.setAAD(header);
      records.push(header, cipher.update(update), cipher.final(), cipher.getAuthTag());
      secret = expandLabel(secret, 'traffic upd', 32);
    }
    this.#secret = Promise.resolve(secret);
    return Buffer.concat(records);
  }
}

/** Resolves when a write has been taken by the system. */
export function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
