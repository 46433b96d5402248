import { writeFileSync } from 'node:fs';
import { type Figure, holds } from '#books/ledger/simulate/figure';
import { plot } from '#books/ledger/simulate/plot';
import type { Progress } from '#books/ledger/simulate/progress';
import { type Simulation, simulateRewards } from '#books/ledger/simulate/simulation';
import { CommandError, type ExitCode, exitCodes, type Io, paint } from './io.ts';

export interface SimulateOptions {
  readonly blocks: number;
  readonly seed: number;
  readonly json?: boolean;
  /** An SVG file to write. */
  readonly plot?: string;
}

const BAR_CHARS = 30;
const SATS_PER_BITCOIN = 100_000_000;

/** `sluice simulate rewards`: the reward schemes over simulated blocks, beside theory. Fails if a figure is out of its tolerance. */
export function simulate({ blocks, seed, json, plot: file }: SimulateOptions, io: Io): ExitCode {
  const simulation = simulateRewards(blocks, seed, progressBar(io));
  if (io.stderr.isTTY === true) io.stderr.write('\r\u001b[K');
  if (file !== undefined) writePlot(file, simulation);
  io.stdout.write(json === true ? `${JSON.stringify(asJson(simulation))}\n` : asText(simulation, io));
  return simulation.ok ? exitCodes.fine : exitCodes.failed;
}

/** On a terminal; elsewhere nothing is shown. */
function progressBar(io: Io): Progress {
  let shown = '';
  return (what, done) => {
    const full = Math.floor(done * BAR_CHARS);
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_CHARS - full)} ${what}`;
    if (io.stderr.isTTY !== true || bar === shown) return;
    shown = bar;
    io.stderr.write(`\r\u001b[K${bar}`);
  };
}

function writePlot(file: string, simulation: Simulation): void {
  try {
    writeFileSync(file, plot(simulation));
  } catch (error) {
    throw new CommandError(`${file} can not be written: ${(error as Error).message}`);
  }
}

function asJson({ figures, reserves, ...simulation }: Simulation): object {
  return {
    ...simulation,
    reserves: reserves.map(({ reserveSats, ...reserve }) => ({
      ...reserve,
      reserveSats: String(Math.ceil(reserveSats)),
    })),
    figures: figures.map((figure) => ({ ...figure, ok: holds(figure) })),
  };
}

function asText({ blocks, seed, figures, reserves, ok }: Simulation, io: Io): string {
  const rows = [
    ['', 'theory', 'measured', 'formula'],
    ...figures.map((figure) => [
      figure.text,
      number(figure.theory),
      `${number(figure.measured)}${holds(figure) ? '' : ` (more than ${number(figure.tolerance)} off)`}`,
      figure.formula,
    ]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row, at) => {
    const text = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    const figure: Figure | undefined = figures[at - 1];
    if (figure === undefined) return paint(io, io.stdout, 'bold', text);
    return holds(figure) ? text : paint(io, io.stdout, 'red', text);
  });
  const needed = reserves.map(
    ({ scheme, reserveSats }) =>
      `${scheme}: with a fee of 5 % the operator needs ${(reserveSats / SATS_PER_BITCOIN).toFixed(2)} BTC to be ruined once in 1,000 times at most.`,
  );
  const verdict = ok
    ? paint(io, io.stdout, 'green', 'Every figure is within its tolerance.')
    : paint(io, io.stdout, 'red', 'Some figures are out of their tolerance.');
  return `${[`${blocks} blocks, seed ${seed}`, ...lines, '', ...needed, verdict].join('\n')}\n`;
}

function number(value: number): string {
  return Math.abs(value) < 0.000_05 ? '0' : String(Number(value.toPrecision(6)));
}
