import { decodeMessage } from '#front/stratum/v1/decode';
import { FastSubmit, LastView } from '#front/stratum/v1/fast-submit';
import { runBenchmark } from './run/benchmark.ts';
import type { Size } from './run/options.ts';

const rounds: Readonly<Record<Size, number>> = { quick: 3, normal: 9, full: 15 };
const LINES = 20_000;
const LINES_OF_CHUNK = 8;
const WARM_UP_ROUNDS = 3;

/** As most software writes it; what varies from line to line varies. */
function line(index: number, worker: string): string {
  const extranonce2 = index.toString(16).padStart(16, '0');
  const nonce = ((index * 2654435761) >>> 0).toString(16).padStart(8, '0');
  const params = [worker, '0000100001', extranonce2, '66000000', nonce];
  return `${JSON.stringify({ id: 1000 + index, method: 'mining.submit', params })}\n`;
}

function chunksOf(worker: (index: number) => string): Buffer[] {
  return Array.from({ length: LINES / LINES_OF_CHUNK }, (_, chunk) =>
    Buffer.from(
      Array.from({ length: LINES_OF_CHUNK }, (_, at) => line(chunk * LINES_OF_CHUNK + at, worker(at))).join(''),
    ),
  );
}

const miner = 'bcrt1qy7yl6pjgjct4qgael8e5dp2csn9f9k068fnq9n.rig1';
const views = new LastView();

/** Cuts chunks into lines and reads each, as a connection does. */
function readAll(chunks: readonly Buffer[], read: (bytes: Buffer, begin: number, end: number) => unknown): void {
  for (const chunk of chunks) {
    for (let begin = 0, end = chunk.indexOf(10); end >= 0; begin = end + 1, end = chunk.indexOf(10, begin)) {
      if (read(chunk, begin, end) === undefined) throw new Error('a line was not read');
    }
  }
}

const ofOne = chunksOf(() => miner);
const ofProxy = chunksOf((at) => `${miner}${at % 2}`);
const reader = new FastSubmit();
const fast = (bytes: Buffer, begin: number, end: number): unknown => reader.read(bytes, views.of(bytes), begin, end);
const subjects: readonly (readonly [string, () => void])[] = [
  ['fast, a miner’s lines (by their shape)', () => readAll(ofOne, fast)],
  ['fast, a proxy’s lines (worker after worker)', () => readAll(ofProxy, fast)],
  ['the full decoder', () => readAll(ofOne, (bytes, begin, end) => decodeMessage(bytes.subarray(begin, end)))],
  ['JSON.parse alone', () => readAll(ofOne, (bytes, begin, end) => JSON.parse(bytes.toString('latin1', begin, end)))],
];

await runBenchmark({
  name: 'parse',
  question: 'What does it cost to read a mining.submit?',
  excludes: 'the socket; what becomes of the request',
  columns: [{ name: 'nanosPerLine', title: 'ns/line', digits: 0 }],
  steps: ({ size }) => rounds[size],
  async run({ size, samples, progress }) {
    for (let round = -WARM_UP_ROUNDS; round < rounds[size]; round += 1) {
      if (round >= 0) progress.step(`round ${round + 1}`);
      const first = (round + WARM_UP_ROUNDS) % subjects.length;
      for (const [name, run] of [...subjects.slice(first), ...subjects.slice(0, first)]) {
        const startedMs = performance.now();
        run();
        const nanosPerLine = ((performance.now() - startedMs) * 1e6) / LINES;
        if (round >= 0)
          samples.add(`lines of ${Math.round((ofOne[0]?.length ?? 0) / LINES_OF_CHUNK)} bytes`, name, { nanosPerLine });
      }
    }
  },
});
