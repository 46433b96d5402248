import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchContext, runBenchmark } from './run/benchmark.ts';
import type { Size } from './run/options.ts';
import { root } from './run/project.ts';
import { plot } from './vardiff-plot.ts';
import { rules } from './vardiff-rules.ts';
import { type Profile, quantile, randomness, type Sample, settledAfter, simulate } from './vardiff-simulation.ts';

/** Runs of each, every one from a seed of its own: the same numbers on every machine. */
const seeds: Readonly<Record<Size, number>> = { quick: 3, normal: 10, full: 40 };
const START = 65_536;
const HOUR_S = 3600;
const HOURS = 3;
const hashRates = [1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

/** What happens after an hour of calm, and how long it takes to settle again. */
const events: readonly { readonly name: string; readonly fromS: number; readonly profile: Profile }[] = [
  {
    name: 'ten times as fast',
    fromS: HOUR_S,
    profile: [
      [0, 1e14],
      [HOUR_S * 1000, 1e15],
    ],
  },
  {
    name: 'a tenth as fast',
    fromS: HOUR_S,
    profile: [
      [0, 1e15],
      [HOUR_S * 1000, 1e14],
    ],
  },
  {
    name: 'three times as fast',
    fromS: HOUR_S,
    profile: [
      [0, 1e14],
      [HOUR_S * 1000, 3e14],
    ],
  },
  {
    name: 'a third as fast',
    fromS: HOUR_S,
    profile: [
      [0, 3e14],
      [HOUR_S * 1000, 1e14],
    ],
  },
  {
    name: 'gone for half an hour, then back',
    fromS: 1.5 * HOUR_S,
    profile: [
      [0, 1e14],
      [HOUR_S * 1000, 0],
      [1.5 * HOUR_S * 1000, 1e14],
    ],
  },
];

/** Of one miner from its start: when it settled, and how it was in the hours after the first. */
function steadyValues(samples: readonly Sample[]): Record<string, number> {
  const later = samples.slice(HOUR_S);
  const rates = later.map(({ ideal, difficulty }) => ideal / difficulty);
  return {
    settledS: settledAfter(samples, 0),
    ratePart5: quantile(rates, 0.05),
    ratePart95: quantile(rates, 0.95),
    changesPerHour: later.reduce((sum, { changes }) => sum + changes, 0) / (HOURS - 1),
    peakSharesPerSecond: samples.reduce((peak, { shares }) => Math.max(peak, shares), 0),
  };
}

/** A farm whose machines come and go at random, for the picture. */
function restless(seed: number): Profile {
  const random = randomness(seed);
  return Array.from({ length: 7 }, (_, index) => [index * 30 * 60_000, 1e14 * 10 ** (2 * random() - 1)] as const);
}

function draw(): string {
  const panels: readonly (readonly [title: string, profile: Profile, seconds: number])[] = [
    ['1 GH/s on a start difficulty of 65536', [[0, 1e9]], HOUR_S / 2],
    ['1 EH/s on a start difficulty of 65536', [[0, 1e18]], HOUR_S / 10],
    [
      '100 TH/s, gone from 60 to 90 min',
      [
        [0, 1e14],
        [HOUR_S * 1000, 0],
        [1.5 * HOUR_S * 1000, 1e14],
      ],
      HOURS * HOUR_S,
    ],
    ['Around 100 TH/s, another hash rate every 30 min', restless(4), HOURS * HOUR_S],
  ];
  return plot(
    panels.map(([title, profile, seconds]) => ({
      title: `${title}: share rate over the one aimed at`,
      series: rules.map((rule) => ({ name: rule.name, samples: simulate(rule, START, profile, seconds, 7) })),
    })),
  );
}

async function run({ size, samples, progress, note }: BenchContext): Promise<void> {
  const numbers = Array.from({ length: seeds[size] }, (_, index) => index + 1);
  for (const hashesPerSecond of hashRates) {
    const workload = `${hashesPerSecond.toExponential(0)} hashes/s`;
    progress.step(workload);
    for (const rule of rules) {
      for (const seed of numbers) {
        const run = simulate(rule, START, [[0, hashesPerSecond]], HOURS * HOUR_S, seed);
        samples.add(workload, rule.name, steadyValues(run));
      }
    }
  }
  for (const { name, fromS, profile } of events) {
    progress.step(name);
    for (const rule of rules) {
      for (const seed of numbers) {
        const run = simulate(rule, START, profile, HOURS * HOUR_S, 1000 + seed);
        samples.add(`after an hour: ${name}`, rule.name, { settledS: settledAfter(run, fromS) });
      }
    }
  }
  progress.step('drawing');
  writeFileSync(join(root, 'bench/vardiff.svg'), draw());
  note('10,800 s is the end of the run: never settled. The picture is bench/vardiff.svg.');
}

await runBenchmark({
  name: 'vardiff',
  question: 'How soon does a miner of any size come to the share rate aimed at, and does it stay there?',
  excludes:
    'the network, and shares under way when a difficulty changes. Simulated: exponential arrivals, start at 65536, never below 1. ' +
    'Settled is within a factor of two for ten minutes; the rest is of the second and third hour. ' +
    'The other rules are written from their descriptions (bench/vardiff-rules.ts)',
  columns: [
    { name: 'settledS', title: 'settled after, s', digits: 0 },
    { name: 'ratePart5', title: 'share rate / aim, p5', digits: 2 },
    { name: 'ratePart95', title: 'p95', digits: 2 },
    { name: 'changesPerHour', title: 'changes/h', digits: 1 },
    { name: 'peakSharesPerSecond', title: 'peak shares/s', digits: 0, bare: true },
  ],
  steps: () => hashRates.length + events.length + 1,
  run,
});
