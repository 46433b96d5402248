import { parseArgs } from 'node:util';
import { type Contender, interleave, machine, type Spread } from './interleave.ts';
import { CallContender, KernelContender, makeWorkload, NodeContender } from './kernel-contenders.ts';
import { NativeContender, nativeObstacle } from './kernel-native.ts';

/**
 * Question: how many shares can one thread verify, from extranonce to verdict, and what does each step of the kernel
 * bring? Baselines: Node's own hashing, and the processor's SHA-256 instructions as the ceiling. Left out: everything
 * around it (sockets, JSON, the log). Each verifies the same shares, and their last hashes are compared. CPU time, so that
 * what else runs on the machine counts little; medians of rounds in which all take turns.
 *
 * `--json` prints JSON, `--rounds N` (7) is how often each has its turn.
 */
const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '7' } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds} is no whole number`);
const timing = { rounds, warmUpMs: 250, sampleMs: 60, step: 256 };

/** 282 bytes of coinbase and 12 branches: a block of some thousand transactions. */
const workload = makeWorkload(110, 160, 12);
const BATCH = 128;
const simd = (name: string, batch: number, its = workload): KernelContender =>
  new KernelContender({ name, build: 'simd', batch }, its);

const obstacle = nativeObstacle();
const natives = obstacle === undefined ? [new NativeContender(1, workload), new NativeContender(2, workload)] : [];
const comparable = [
  new NodeContender('createHash', workload),
  new NodeContender('crypto.hash', workload),
  new KernelContender({ name: 'reference', build: 'reference', batch: BATCH }, workload),
  new KernelContender({ name: 'scalar', build: 'scalar', batch: BATCH }, workload),
  simd('SIMD', BATCH),
  ...natives,
];
for (const contender of comparable) {
  await contender.run(5_000_000_000, 256);
  if (contender.hash !== comparable[0]?.hash) throw new Error(`${contender.name} finds another hash`);
}

const sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const memo = new KernelContender(
  { name: 'SIMD, one extranonce2', build: 'simd', batch: BATCH, sameExtranonce: true },
  workload,
);
const verify = await interleave([...comparable, memo], timing);
const batches = await interleave(
  sizes.map((size) => simd(String(size), size)),
  { ...timing, sampleMs: 20, warmUpMs: 100 },
);
const lengths = await interleave(
  [150, 600].map((length) => simd(String(length), BATCH, makeWorkload(110, length, 12))),
  timing,
);
const header = new Uint8Array(80).fill(0x5a);
const never = new Uint8Array(32);
const txids = Array.from({ length: 4000 }, (_, index) => makeWorkload(32, 0, 0).job.coinb1.map((byte) => byte ^ index));
const scan = (build: 'scalar' | 'simd'): Contender =>
  new CallContender(build, build, (kernel, first, count) => kernel.scan(header, never, first % 2 ** 32, count));
const scans = await interleave([scan('scalar'), scan('simd')], timing);
const merkle = (build: 'scalar' | 'simd'): Contender =>
  new CallContender(build, build, (kernel, _, count) => {
    for (let done = 0; done < count; done += 1) kernel.merkleBranch(txids);
  });
const merkles = await interleave([merkle('scalar'), merkle('simd')], { ...timing, step: 1 });
for (const native of natives) native.close();

const median = (results: ReadonlyMap<string, Spread>, name: string): number => results.get(name)?.median ?? Number.NaN;
/** How many times as fast the SIMD build is. */
const over = (name: string): number => median(verify, name) / median(verify, 'SIMD');
const bars = [
  { ratio: 'SIMD / createHash', value: over('createHash'), bar: 15, stretch: 18 },
  { ratio: 'SIMD / crypto.hash', value: over('crypto.hash'), bar: 9, stretch: 10 },
  { ratio: 'SIMD / scalar', value: over('scalar'), bar: 2.5, stretch: 2.8 },
  { ratio: 'SIMD / native SHA-NI, one stream', value: over('native SHA-NI, one stream'), bar: 0.45, stretch: 0.55 },
];
const longer = median(lengths, '600') / median(lengths, '150');

if (values.json) {
  const ns = (results: ReadonlyMap<string, Spread>): object => Object.fromEntries(results);
  const result = {
    benchmark: 'kernel',
    machine: machine(),
    rounds,
    nanoseconds: {
      verify: ns(verify),
      verifyByBatch: ns(batches),
      verifyByCoinb2Bytes: ns(lengths),
      nonce: ns(scans),
      merkleBranchOf4000: ns(merkles),
    },
    ratios: Object.fromEntries(
      bars.filter(({ value }) => !Number.isNaN(value)).map(({ ratio, value }) => [ratio, value]),
    ),
    coinb2Of600Over150: longer,
    notRun: obstacle === undefined ? [] : [`native SHA-NI: ${obstacle}`],
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
} else {
  process.stdout.write(`${report().join('\n')}\n`);
}

function report(): string[] {
  const perSecond = ({ median: middle, min, max }: Spread): string => `${rate(middle)} | ${rate(max)} … ${rate(min)}`;
  const judged = bars.map(({ ratio, value, bar, stretch }) =>
    Number.isNaN(value)
      ? `| ${ratio} | not run: ${obstacle} | ${bar} | ${stretch} |`
      : `| ${ratio} | ${value.toFixed(2)} | ${bar} | ${stretch} |`,
  );
  return [
    ...Object.entries(machine()).map(([name, value]) => `${name}: ${value}`),
    '',
    `Shares verified in a second of CPU time: 282-byte coinbase, 12 branches, batches of ${BATCH}, ${rounds} rounds`,
    '',
    '| | median | min … max |',
    '|---|---|---|',
    ...[...verify].map(([name, result]) => `| ${name} | ${perSecond(result)} |`),
    ...(obstacle === undefined ? [] : [`| native SHA-NI | not run: ${obstacle} | |`]),
    '',
    '| ratio | measured | bar | stretch |',
    '|---|---|---|---|',
    ...judged,
    '',
    `A coinb2 of 600 bytes costs ${longer.toFixed(2)} × one of 150 (bar: at most 1.15).`,
    '',
    '| SIMD, shares of a batch | µs a share |',
    '|---|---|',
    ...[...batches].map(([size, { median: ns }]) => `| ${size} | ${(ns / 1000).toFixed(2)} |`),
    '',
    '| | scalar | SIMD |',
    '|---|---|---|',
    `| nonces scanned, a second | ${rate(median(scans, 'scalar'))} | ${rate(median(scans, 'simd'))} |`,
    `| merkle branch of 4000 transactions, ms | ${(median(merkles, 'scalar') / 1e6).toFixed(2)} | ${(median(merkles, 'simd') / 1e6).toFixed(2)} |`,
  ];
}

function rate(nanoseconds: number): string {
  const perSecond = 1e9 / nanoseconds;
  return perSecond >= 1e6 ? `${(perSecond / 1e6).toFixed(2)} M` : `${(perSecond / 1e3).toFixed(1)} k`;
}
