import { type TemplatedApp, us_listen_socket_close, us_socket_local_port } from 'uWebSockets.js';

/**
 * uWebSockets.js, as far as this project uses it. The only import of that package: its binaries are published per Node
 * version and system, so another build of it is chosen here and nowhere else.
 */
export {
  App,
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_socket_context_t as UpgradeContext,
  type WebSocket,
} from 'uWebSockets.js';

/** uSockets' LIBUS_LISTEN_EXCLUSIVE_PORT: without it a second process silently shares the port (SO_REUSEPORT). */
const EXCLUSIVE_PORT = 1;

/** The native `listen` takes host, port, options and callback; its typings have every combination but that one. */
type ListenWithOptions = (
  host: string,
  port: number,
  options: number,
  callback: (socket: Parameters<typeof us_listen_socket_close>[0] | false) => void,
) => void;

export interface UwsListening {
  /** The port in use, also if the config has port 0. */
  readonly port: number;
  /** Takes no new connections; open ones go on. Safe to call twice. */
  stop(): void;
}

/** Binds an app. Rejects if the address is in use or is none of this machine's. `shared` lets other processes bind it too. */
export function listenUws(app: TemplatedApp, host: string, port: number, shared = false): Promise<UwsListening> {
  return new Promise((resolve, reject) => {
    const listen = app.listen.bind(app) as unknown as ListenWithOptions;
    listen(host, port, shared ? 0 : EXCLUSIVE_PORT, (socket) => {
      if (socket === false) {
        reject(new Error(`cannot listen on ${host}:${port}: the address is in use or not of this machine`));
        return;
      }
      let listening = true;
      resolve({
        port: us_socket_local_port(socket),
        stop() {
          // The native socket is freed by the first close.
          if (listening) us_listen_socket_close(socket);
          listening = false;
        },
      });
    });
  });
}
