import { type Contender, type InterleaveOptions, interleave } from './interleave.ts';
import { CallContender, KernelContender, makeWorkload, NodeContender } from './kernel-contenders.ts';
import { NativeContender, nativeObstacle } from './kernel-native.ts';
import { type BenchContext, runBenchmark } from './run/benchmark.ts';
import type { Size } from './run/options.ts';

const rounds: Readonly<Record<Size, number>> = { quick: 3, normal: 7, full: 15 };
/** 282 bytes of coinbase and 12 branches: a block of some thousand transactions. */
const workload = makeWorkload(110, 160, 12);
const BATCH = 128;
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const COINB2_BYTES = [150, 600];
/** So many hashes are compared before anything is measured. */
const COMPARED = 256;

const VERIFIED = `a share: 282-byte coinbase, 12 branches, batches of ${BATCH}`;
const OF_BATCH = 'a share, SIMD, by batch';
const OF_LENGTH = 'a share, SIMD, by bytes of coinb2';
const SCANNED = 'a nonce of one header';
const MERKLE = 'the merkle branch of 4,000 transactions';

await runBenchmark({
  name: 'kernel',
  question: 'How many shares can one thread verify, from extranonce to verdict, and what does each step bring?',
  excludes: 'everything around it (sockets, JSON, the log); CPU time, so what else runs on the machine counts little',
  columns: [
    { name: 'perSecond', title: 'per CPU second', digits: 0 },
    { name: 'nanos', title: 'ns', digits: 0 },
  ],
  steps: () => 6,
  run,
});

async function run(context: BenchContext): Promise<void> {
  const { samples, progress, note } = context;
  const timing = { rounds: rounds[context.size], warmUpMs: 250, sampleMs: 60, step: 256 };
  const measure = async (name: string, contenders: readonly Contender[], its: InterleaveOptions): Promise<void> => {
    progress.step(name);
    for (const [subject, { samples: all }] of await interleave(contenders, its))
      for (const nanos of all) samples.add(name, subject, { perSecond: 1e9 / nanos, nanos });
  };
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
  progress.step('comparing hashes');
  for (const contender of comparable) {
    await contender.run(5_000_000_000, COMPARED);
    if (contender.hash !== comparable[0]?.hash) throw new Error(`${contender.name} finds another hash`);
  }
  const memo = { name: 'SIMD, one extranonce2', build: 'simd', batch: BATCH, sameExtranonce: true } as const;
  await measure(VERIFIED, [...comparable, new KernelContender(memo, workload)], timing);
  const short = { ...timing, sampleMs: 20, warmUpMs: 100 };
  const batches = BATCHES.map((size) => simd(String(size), size));
  await measure(OF_BATCH, batches, short);
  const lengths = COINB2_BYTES.map((length) => simd(String(length), BATCH, makeWorkload(110, length, 12)));
  await measure(OF_LENGTH, lengths, timing);
  await measure(SCANNED, [scan('scalar'), scan('simd')], timing);
  await measure(MERKLE, [merkle('scalar'), merkle('simd')], { ...timing, step: 1 });
  for (const native of natives) native.close();
  for (const line of barsOf(context, obstacle)) note(line);
}

function simd(name: string, batch: number, its = workload): KernelContender {
  return new KernelContender({ name, build: 'simd', batch }, its);
}

function scan(build: 'scalar' | 'simd'): Contender {
  const header = new Uint8Array(80).fill(0x5a);
  const never = new Uint8Array(32);
  return new CallContender(build, build, (kernel, first, count) => kernel.scan(header, never, first % 2 ** 32, count));
}

function merkle(build: 'scalar' | 'simd'): Contender {
  const txids = Array.from({ length: 4000 }, (_, index) =>
    makeWorkload(32, 0, 0).job.coinb1.map((byte) => byte ^ index),
  );
  return new CallContender(build, build, (kernel, _, count) => {
    for (let done = 0; done < count; done += 1) kernel.merkleBranch(txids);
  });
}

/** What the kernel is to reach, and what it reached. */
function barsOf({ samples }: BenchContext, obstacle: string | undefined): string[] {
  const nanos = (name: string, subject: string): number => samples.median(name, subject, 'nanos') ?? Number.NaN;
  const over = (subject: string): number => nanos(VERIFIED, subject) / nanos(VERIFIED, 'SIMD');
  const bars = [
    { against: 'createHash', bar: 15 },
    { against: 'crypto.hash', bar: 9 },
    { against: 'scalar', bar: 2.5 },
    { against: 'native SHA-NI, one stream', bar: 0.45 },
  ].map(({ against, bar }) => {
    const value = over(against);
    const measured = Number.isNaN(value) ? `not run: ${obstacle}` : value.toFixed(2);
    return `Shares of SIMD over those of ${against}: ${measured} (bar: ${bar}).`;
  });
  const longer = nanos(OF_LENGTH, '600') / nanos(OF_LENGTH, '150');
  return [...bars, `A coinb2 of 600 bytes costs ${longer.toFixed(2)} × one of 150 (bar: at most 1.15).`];
}
