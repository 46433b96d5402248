import type { StratumConfig } from '#base/config/config';
import { addCounts } from '#base/std/add-counts';
import { type Counts, newCounts } from '#base/telemetry/counters';
import { ranges } from '#front/net/door/door-options';
import type { Listener, ListenModules } from '#front/net/listen/listener';
import { listenTcp } from '#front/net/listen/tcp';
import { listenTls, type TlsListener } from '#front/net/listen/tls';
import { listenWebSocket } from '#front/net/listen/websocket';

/** Where a gateway listens, as URLs. */
export interface StratumEndpoints {
  readonly stratumTcp?: string;
  readonly stratumWebsocket?: string;
  readonly stratumTls?: string;
}

export interface StratumPorts {
  readonly tcp?: number;
  readonly websocket?: number;
  readonly tls?: number;
}

/** The open ports of a gateway. */
export class Listeners {
  readonly #stratum: StratumConfig;
  readonly #isShared: boolean;
  readonly #modules: ListenModules;
  readonly #open: Listener[] = [];
  #tls: TlsListener | undefined;

  /** `isShared`: other processes listen on the same ports. */
  constructor(stratum: StratumConfig, isShared: boolean, modules: ListenModules) {
    this.#stratum = stratum;
    this.#isShared = isShared;
    this.#modules = modules;
  }

  /** Over all of them. */
  get counts(): Counts<'listeners'> {
    return this.#open.map(({ counters }) => counters).reduce(addCounts<Counts<'listeners'>>, newCounts('listeners'));
  }

  /** Opens the listeners of the config, one after the other; `ports` replace the config's ports. */
  async open(ports: StratumPorts = {}): Promise<StratumEndpoints> {
    const { tcp, websocket, tls } = this.#stratum;
    return {
      ...(tcp && { stratumTcp: await this.#openTcp({ ...tcp, port: ports.tcp ?? tcp.port }) }),
      ...(websocket && {
        stratumWebsocket: await this.#openWebSocket({ ...websocket, port: ports.websocket ?? websocket.port }),
      }),
      ...(tls && { stratumTls: await this.#openTls({ ...tls.listen, port: ports.tls ?? tls.listen.port }, tls) }),
    };
  }

  /** Reads the TLS certificate again, if there is one. */
  reload(): void {
    this.#tls?.reload();
  }

  stopAccepting(): void {
    for (const listener of this.#open) listener.stopAccepting();
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((listener) => listener.close()));
  }

  async #openTcp(at: Address): Promise<string> {
    return this.#keep('stratum+tcp', await listenTcp({ ...this.#common, ...at }, this.#modules));
  }

  async #openWebSocket(at: Address): Promise<string> {
    const options = { ...this.#common, ...at, shared: this.#isShared, origins: this.#stratum.websocketOrigins };
    return this.#keep('stratum+ws', await listenWebSocket(options, this.#modules));
  }

  async #openTls(at: Address, certificate: NonNullable<StratumConfig['tls']>): Promise<string> {
    this.#tls = await listenTls({ ...this.#common, ...at, certificate }, this.#modules);
    return this.#keep('stratum+tls', this.#tls);
  }

  get #common() {
    const { limits, proxyProtocol, proxyFrom } = this.#stratum;
    return { connectionsMax: limits.connections, ...(proxyProtocol && { proxies: ranges(proxyFrom) }) };
  }

  #keep(scheme: string, listener: Listener): string {
    this.#open.push(listener);
    const { host, port } = listener.address;
    return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }
}

interface Address {
  readonly host: string;
  readonly port: number;
}
