import type { Socket } from 'node:net';
import { readProxyHeader } from './proxy-header.ts';

/**
 * Reads the PROXY header of a connection from a proxy. The bytes behind the header stay in the socket, which is paused. `done`
 * is called once: with the client's address (undefined for the proxy's own connections), or with the reason of a failure, which
 * may be a timeout or a closed connection.
 */
export function readPreamble(
  socket: Socket,
  timeMsMax: number,
  done: (result: { readonly source: string | undefined } | { readonly fault: string }) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0);
  const finish = (result: Parameters<typeof done>[0]): void => {
    clearTimeout(timer);
    socket.off('data', take);
    socket.off('end', gone);
    socket.off('close', gone);
    done(result);
  };
  const gone = (): void => finish({ fault: 'closed within the PROXY header' });
  const timer = setTimeout(() => finish({ fault: 'no PROXY header in time' }), timeMsMax);
  const take = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const header = readProxyHeader(bytes);
    if (header.kind === 'partial') return;
    socket.pause();
    if (header.kind === 'invalid') {
      finish({ fault: header.reason });
      return;
    }
    const rest = bytes.subarray(header.bytes);
    if (rest.length > 0) socket.unshift(rest);
    finish({ source: header.source });
  };
  socket.on('data', take);
  socket.once('end', gone);
  socket.once('close', gone);
}
