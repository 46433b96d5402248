import type { Listener, ListenModules, ListenOptions } from './listener.ts';
import { listenStream } from './stream-server.ts';
import { StreamWire } from './stream-wire.ts';

/** Stratum over TCP: one JSON message per line. Rejects if the address can not be bound. */
export function listenTcp(options: ListenOptions, modules: ListenModules): Promise<Listener> {
  return listenStream(options, modules, (socket, remoteIp, _handshakeEndsMs, server) => {
    const wire = new StreamWire(socket, 'tcp', remoteIp, server.context);
    const admitted = server.admit(socket, remoteIp, wire);
    if (admitted === undefined) return;
    const { visit } = admitted;
    server.whenDue(socket, visit, () => server.serve(wire, socket, visit));
  });
}
