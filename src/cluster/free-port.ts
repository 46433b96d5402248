import { createServer } from 'node:net';
import type { StratumConfig } from '#base/config/config';
import type { StratumPorts } from '#gateway/listeners';

/**
 * A port for every listener that the config leaves one open for (port 0): processes that listen together have to name
 * the same one, so it is chosen here, free a moment ago.
 */
export async function choosePorts({ tcp, websocket, tls }: StratumConfig): Promise<StratumPorts> {
  return {
    ...(tcp?.port === 0 && { tcp: await freePort(tcp.host) }),
    ...(websocket?.port === 0 && { websocket: await freePort(websocket.host) }),
    ...(tls?.listen.port === 0 && { tls: await freePort(tls.listen.host) }),
  };
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host, port: 0, exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
