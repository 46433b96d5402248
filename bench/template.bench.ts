import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { runBenchmark } from './run/benchmark.ts';
import type { Size } from './run/options.ts';
import { startPool } from './run/pool.ts';
import type { Server } from './run/server.ts';
import { TemplateNode } from './template-node.ts';

const plans: Readonly<Record<Size, number>> = { quick: 8, normal: 25, full: 60 };
/** The first of them come to code that is not compiled yet. */
const TIPS_SKIPPED = 3;
const FULL = 4000;
const SMALL = 10;
/** Beyond the pool's look at the tip, which comes twice a second. */
const TIP_MS = 900;
const PING_EVERY_MS = 1;

/** A miner that notes when work on a tip comes, and how long its pings wait meanwhile. */
class Miner {
  readonly #socket: Socket;
  #wanted = '';
  #cameMs: number | undefined;
  #sentMs: number | undefined;
  #longestMs = 0;
  #isStale = false;
  #ready: () => void = () => {};
  readonly #timer: NodeJS.Timeout;

  private constructor(socket: Socket) {
    this.#socket = socket;
    let rest = '';
    socket.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
    });
    socket.write('{"id":1,"method":"mining.subscribe","params":[]}\n');
    socket.write(
      '{"id":2,"method":"mining.authorize","params":["bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.x","x"]}\n',
    );
    this.#timer = setInterval(() => this.#ping(), PING_EVERY_MS);
  }

  static async open({ tcpPort }: Server): Promise<Miner> {
    const miner = new Miner(connect({ port: tcpPort, host: '127.0.0.1', noDelay: true }));
    await new Promise<void>((resolve) => {
      miner.#ready = resolve;
    });
    return miner;
  }

  /** Begins to wait for work on a tip. */
  expect(tip: string): void {
    this.#wanted = tip;
    this.#cameMs = undefined;
    this.#longestMs = 0;
    // A ping that is under way has waited for this process as well.
    this.#isStale = this.#sentMs !== undefined;
  }

  /** performance.now() when the work came, and the longest wait of a ping since `expect`. */
  get seen(): { readonly cameMs: number | undefined; readonly longestMs: number } {
    return { cameMs: this.#cameMs, longestMs: this.#longestMs };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }

  #ping(): void {
    if (this.#sentMs !== undefined) return;
    this.#sentMs = performance.now();
    this.#socket.write('{"id":3,"method":"mining.ping","params":[]}\n');
  }

  #take(line: string): void {
    if (line.includes('"mining.notify"')) {
      this.#ready();
      if (this.#wanted !== '' && line.includes(this.#wanted)) this.#cameMs ??= performance.now();
    } else if (line.startsWith('{"id":3') && this.#sentMs !== undefined) {
      if (!this.#isStale) this.#longestMs = Math.max(this.#longestMs, performance.now() - this.#sentMs);
      this.#isStale = false;
      this.#sentMs = undefined;
    }
  }
}

await runBenchmark({
  name: 'template',
  question:
    'How long does a new tip take from the node’s answer to the first miner, and how long does it keep others waiting?',
  excludes:
    'the node’s own work and the poll that finds the tip. The node is a stand-in in this process, so its writing of 5 MB is in a ping’s wait',
  columns: [
    { name: 'firstMinerMs', title: 'answer → first miner ms', digits: 1 },
    { name: 'longestPingMs', title: 'longest ping ms', digits: 1 },
  ],
  steps: () => 2,
  async run({ samples, progress, size }) {
    for (const transactions of [SMALL, FULL]) {
      const node = await TemplateNode.start(transactions);
      const name = `${transactions} transactions, ${(node.bytes / 1e6).toFixed(2)} MB`;
      progress.step(name);
      const pool = await startPool({ name, nodeUrl: node.url });
      const miner = await Miner.open(pool);
      for (let tip = 0; tip < plans[size] + TIPS_SKIPPED; tip += 1) {
        const wanted = node.nextTip();
        miner.expect(wanted);
        await sleep(TIP_MS);
        const { cameMs, longestMs } = miner.seen;
        if (cameMs === undefined || node.answeredMs === undefined) throw new Error('no work on a new tip');
        if (tip < TIPS_SKIPPED) continue;
        samples.add(`${plans[size]} tips`, name, {
          // The last bytes may be read before this process hears that they have left.
          firstMinerMs: Math.max(0, cameMs - node.answeredMs),
          longestPingMs: longestMs,
        });
      }
      miner.close();
      await pool.close();
      node.close();
    }
  },
});
