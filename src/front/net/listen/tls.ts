import type { Socket } from 'node:net';
import tls, { TLSSocket } from 'node:tls';
import type { Visit, Visitor } from '../door/visit.ts';
import { type CertificateFiles, loadCertificate } from './certificate.ts';
import type { Listener, ListenModules, ListenOptions } from './listener.ts';
import { QuietBytes } from './quiet-bytes.ts';
import { listenStream, type StreamServer } from './stream-server.ts';
import { StreamWire } from './stream-wire.ts';

export interface TlsListenOptions extends ListenOptions {
  readonly certificate: CertificateFiles;
}

export interface TlsListener extends Listener {
  /** Reads the certificate again, for new connections. If the new certificate can not be used, the old one stays. */
  reload(): void;
}

/**
 * Stratum over TLS 1.2 or later: the same lines as over TCP, and nothing at all without TLS. Rejects if the address
 * can not be bound or the certificate not be used.
 */
export async function listenTls(options: TlsListenOptions, modules: ListenModules): Promise<TlsListener> {
  const { certificate } = options;
  let secureContext = loadCertificate(certificate);
  const quiet = new QuietBytes();
  const listener = await listenStream(options, modules, (socket, remoteIp, handshakeEndsMs, server) => {
    const guest = new Guest(socket, server, quiet);
    const admitted = server.admit(socket, remoteIp, guest);
    if (admitted === undefined) return;
    const { visit } = admitted;
    server.whenDue(socket, visit, () => {
      const secure = new TLSSocket(socket, { isServer: true, secureContext });
      guest.shakeHands(secure, remoteIp, visit, handshakeEndsMs - performance.now());
    });
  });
  return {
    address: listener.address,
    counters: listener.counters,
    get connections() {
      return listener.connections;
    },
    stopAccepting: () => listener.stopAccepting(),
    close() {
      quiet.close();
      return listener.close();
    },
    reload() {
      try {
        secureContext = loadCertificate(certificate);
        modules.logger.info({ cert: certificate.cert }, 'TLS certificate reloaded');
      } catch (err) {
        modules.logger.error({ err }, 'TLS certificate not reloaded, the old one stays in use');
      }
    },
  };
}

/**
 * The internal event by which a TLSSocket without a tls.Server reports errors; 'error' is emitted only before the handshake. A test
 * fails if a version of Node.js lacks it.
 */
const TLS_ERROR = '_tlsError';
/**
 * Renegotiations allowed per connection, in this process. Each costs a signature, and Stratum needs none. Exceeding the limit is an
 * error like others. Node's documentation says that the limit can be set, although its types say it is constant.
 */
Object.assign(tls, { CLIENT_RENEG_LIMIT: 0 });

/** The client has sent an alert, for example because it does not trust the certificate. That is no misconduct. */
function isAlert(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).includes('_ALERT_');
}

/** A connection before and after its handshake. */
class Guest implements Visitor {
  readonly #socket: Socket;
  readonly #server: StreamServer;
  readonly #quiet: QuietBytes;
  #wire: StreamWire | undefined;

  constructor(socket: Socket, server: StreamServer, quiet: QuietBytes) {
    this.#socket = socket;
    this.#server = server;
    this.#quiet = quiet;
  }

  shakeHands(secure: TLSSocket, remoteIp: string, visit: Visit | undefined, timeMsMax: number): void {
    const server = this.#server;
    const wire = new StreamWire(secure, 'tls', remoteIp, server.context);
    server.await(this.#socket);
    const end = (how: 'failed' | 'late' | 'went' | 'declined'): void => {
      clearTimeout(timer);
      secure.off('end', went);
      secure.off('close', went);
      secure.off(TLS_ERROR, fail);
      server.fail(this.#socket, visit, how);
      secure.destroy();
    };
    const went = (): void => end('went');
    const fail = (error: unknown): void => end(isAlert(error) ? 'declined' : 'failed');
    const timer = setTimeout(end, Math.max(0, timeMsMax), 'late');
    secure.once('end', went);
    secure.once('close', went);
    secure.once(TLS_ERROR, fail);
    // A TLS server uses the same event: the handshake is complete and checked.
    secure.once('secure', () => {
      clearTimeout(timer);
      secure.off('end', went);
      secure.off('close', went);
      secure.off(TLS_ERROR, fail);
      secure.once(TLS_ERROR, (error: unknown) => {
        if (isAlert(error)) visit?.leave('unwanted');
        else visit?.offend('bad-handshake');
        secure.destroy();
      });
      this.#wire = wire;
      if (visit !== undefined) this.#quiet.watch(secure, this.#socket, visit);
      server.serve(wire, this.#socket, visit);
    });
  }

  close(why: string): void {
    if (this.#wire === undefined) this.#socket.destroy();
    else this.#wire.close(why);
  }

  hold(ms: number): void {
    this.#wire?.hold(ms);
  }

  expel(name: string): void {
    this.#wire?.expel(name);
  }
}
