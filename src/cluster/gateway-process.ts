import cluster, { type Worker } from 'node:cluster';
import { builtFile, nodeFlags } from '#base/built';
import { type Child, goneOf } from '#base/std/supervised-child';
import type { FromGateway, ToGateway } from './messages.ts';

/** A gateway process, from outside. */
export interface GatewayProcess extends Child {
  /** Ignored when the process is about to end. */
  send(message: ToGateway): void;
  /** Calls back with each message, in order; the returned function ends that. */
  onMessage(listener: (message: FromGateway) => void): () => void;
}

/** How gateways are started; to be called once. They share listening sockets with this process (node:cluster). */
export function gatewayForker(): () => GatewayProcess {
  // Every gateway accepts its own connections. If the primary distributed them (Node's default), a connection in transit to a
  // gateway that dies would stay open for ever without a handler, and distributing would cost the primary time.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const execArgv = [...process.execArgv, ...nodeFlags.filter((flag) => !process.execArgv.includes(flag))];
  cluster.setupPrimary({
    exec: builtFile('cluster/gateway-child.ts'),
    args: [],
    execArgv,
    serialization: 'advanced',
  });
  return () => new WorkerProcess(cluster.fork());
}

class WorkerProcess implements GatewayProcess {
  readonly gone: Promise<string>;
  readonly #worker: Worker;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.gone = goneOf(worker.process);
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  send(message: ToGateway): void {
    // A channel that is closing takes nothing more; the exit follows.
    if (this.#worker.isConnected()) this.#worker.send(message, () => {});
  }

  onMessage(listener: (message: FromGateway) => void): () => void {
    this.#worker.on('message', listener);
    return () => void this.#worker.off('message', listener);
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }
}
