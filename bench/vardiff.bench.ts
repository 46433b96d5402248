import { writeFileSync } from 'node:fs';
import { plot } from './vardiff-plot.ts';
import { type Rule, rules } from './vardiff-rules.ts';
import { type Profile, quantile, randomness, settledAfter, simulate } from './vardiff-simulation.ts';

/**
 * Question: how soon does a miner of any size come to the share rate aimed at, how near does it stay, and how often is its
 * difficulty changed? Baselines: the rules of two other pools, simulated the same way (vardiff-rules.ts). Left out: the
 * network, and shares that are on their way when the difficulty changes. Seeded: the same numbers on every machine.
 *
 * `--json` prints JSON, `--svg FILE` draws the picture.
 */
const START = 65_536;
const HOUR_S = 3600;
const SEEDS = 10;
const hashRates = [1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

interface Steady {
  readonly rule: string;
  readonly hashesPerSecond: number;
  /** From the start until within a factor of two for ten minutes. */
  readonly settledS: { readonly p50: number; readonly p90: number };
  /** In the second and third hour: share rate over the one aimed at, by time. */
  readonly rate: { readonly p5: number; readonly p50: number; readonly p95: number };
  readonly changesPerHour: number;
  /** Most shares in one second. */
  readonly peakSharesPerSecond: number;
}

function steady(rule: Rule, hashesPerSecond: number): Steady {
  const settled: number[] = [];
  const rates: number[] = [];
  let [changes, peak] = [0, 0];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const samples = simulate(rule, START, [[0, hashesPerSecond]], 3 * HOUR_S, seed);
    settled.push(settledAfter(samples, 0));
    for (const { shares } of samples) peak = Math.max(peak, shares);
    for (const { ideal, difficulty, changes: now } of samples.slice(HOUR_S)) {
      rates.push(ideal / difficulty);
      changes += now;
    }
  }
  return {
    rule: rule.name,
    hashesPerSecond,
    settledS: { p50: quantile(settled, 0.5), p90: quantile(settled, 0.9) },
    rate: { p5: quantile(rates, 0.05), p50: quantile(rates, 0.5), p95: quantile(rates, 0.95) },
    changesPerHour: changes / SEEDS / 2,
    peakSharesPerSecond: peak,
  };
}

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

interface Recovery {
  readonly rule: string;
  readonly event: string;
  readonly settledS: { readonly p50: number; readonly p90: number };
}

function recovery(rule: Rule, { name, fromS, profile }: (typeof events)[number]): Recovery {
  const settled = Array.from({ length: SEEDS }, (_, index) =>
    settledAfter(simulate(rule, START, profile, 3 * HOUR_S, 1000 + index), fromS),
  );
  return { rule: rule.name, event: name, settledS: { p50: quantile(settled, 0.5), p90: quantile(settled, 0.9) } };
}

/** A farm whose machines come and go at random, for the picture. */
function restless(seed: number): Profile {
  const random = randomness(seed);
  return Array.from({ length: 7 }, (_, index) => [index * 30 * 60_000, 1e14 * 10 ** (2 * random() - 1)] as const);
}

function draw(): string {
  const panels: readonly (readonly [title: string, profile: Profile])[] = [
    ['1 GH/s on a start difficulty of 65536', [[0, 1e9]]],
    [
      '100 TH/s, gone from 60 to 90 min',
      [
        [0, 1e14],
        [HOUR_S * 1000, 0],
        [1.5 * HOUR_S * 1000, 1e14],
      ],
    ],
    ['Around 100 TH/s, another hash rate every 30 min', restless(4)],
    ['1 EH/s on a start difficulty of 65536', [[0, 1e18]]],
  ];
  return plot(
    panels.map(([title, profile]) => ({
      title: `${title}: share rate over the one aimed at`,
      series: rules.map((rule) => ({ name: rule.name, samples: simulate(rule, START, profile, 3 * HOUR_S, 7) })),
    })),
  );
}

const steadies = hashRates.flatMap((hashesPerSecond) => rules.map((rule) => steady(rule, hashesPerSecond)));
const recoveries = events.flatMap((event) => rules.map((rule) => recovery(rule, event)));
const svg = process.argv.indexOf('--svg');
if (svg !== -1) writeFileSync(process.argv[svg + 1] ?? 'vardiff.svg', draw());

const seconds = ({ p50, p90 }: { p50: number; p90: number }): string =>
  [p50, p90].map((value) => (value >= 1.5 * HOUR_S ? 'never' : String(value))).join(' / ');
const lines = process.argv.includes('--json')
  ? [JSON.stringify({ benchmark: 'vardiff', start: START, seeds: SEEDS, steady: steadies, recoveries })]
  : [
      `Start difficulty ${START}, ${SEEDS} seeds, 3 hours each; settled: within a factor of two for ten minutes`,
      '',
      '| hash rate | rule | settled, s (p50 / p90) | share rate in hours 2 and 3 (p5 … p95) | changes an hour | peak shares/s |',
      '|---|---|---|---|---|---|',
      ...steadies.map(
        ({ rule, hashesPerSecond, settledS, rate, changesPerHour, peakSharesPerSecond }) =>
          `| ${hashesPerSecond.toExponential(0)} H/s | ${rule} | ${seconds(settledS)} | ${rate.p5.toFixed(2)} … ${rate.p95.toFixed(2)} | ${changesPerHour.toFixed(2)} | ${peakSharesPerSecond} |`,
      ),
      '',
      '| after an hour | rule | settled again, s (p50 / p90) |',
      '|---|---|---|',
      ...recoveries.map(({ rule, event, settledS }) => `| ${event} | ${rule} | ${seconds(settledS)} |`),
    ];
process.stdout.write(`${lines.join('\n')}\n`);
