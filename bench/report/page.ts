import type { Machine } from '../run/machine.ts';
import type { Row } from '../run/samples.ts';
import { type Column, formatSpread } from '../run/table.ts';
import { html } from './html.ts';
import { bars, curves, dots } from './plots.ts';

/** A result as bench/results/ keeps it. */
export interface Result extends Machine {
  readonly benchmark: string;
  readonly question: string;
  readonly excludes: string;
  readonly command: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** Processes that wanted a core in the minute before: above it the machine was not the benchmark's alone. */
const LOAD_MAX = 0.5;
/** Columns of a benchmark that get a plot; the table has them all. */
const PLOTS_MAX = 2;

/** The results as one page that needs nothing else: no host, no script. It follows the reader's light or dark, and prints. */
export function page(results: readonly Result[], names: readonly string[]): string {
  const [first] = results;
  if (first === undefined) throw new RangeError('page: no result');
  const missing = names.filter((name) => !results.some(({ benchmark }) => benchmark === name));
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>Sluice on ${html(first.cpu)}</title><style>${STYLE}</style></head><body><main>`,
    '<h1>Sluice, measured on this machine</h1>',
    `<p class="machine">${html(machineText(first))}</p>`,
    ...results.filter(({ loadBefore }) => loadBefore > LOAD_MAX).map(noisy),
    ...(missing.length === 0 ? [] : [`<p class="warning">Without a result: ${html(missing.join(', '))}.</p>`]),
    `<nav>${results.map(({ benchmark: name }) => `<a href="#${html(name)}">${html(name)}</a>`).join(' ')}</nav>`,
    ...results.map(section),
    `<footer>${HOW_TO_READ}</footer>`,
    '</main></body></html>\n',
  ].join('\n');
}

function section(result: Result): string {
  const { benchmark, question, excludes, command, columns, rows, notes } = result;
  const plotted = columns.filter(({ bare }) => bare !== true).flatMap((column) => dots(rows, column) ?? []);
  const figures = [...plotted.slice(0, PLOTS_MAX), ...latencies(rows), ...processes(rows)];
  return [
    `<section id="${html(benchmark)}"><h2>${html(benchmark)}</h2><p>${html(question)}</p>`,
    ...figures.map((figure) => `<figure>${figure}</figure>`),
    table(rows, columns),
    ...notes.map((note) => `<p class="note">${html(note)}</p>`),
    `<p class="note">Not in these figures: ${html(excludes)}. Again: <code>${html(command)}</code></p>`,
    '</section>',
  ].join('\n');
}

function latencies(rows: readonly Row[]): string[] {
  const subjects = [
    ...new Set(rows.flatMap(({ subject, drawn }) => (drawn?.latencyMs === undefined ? [] : [subject]))),
  ];
  return byWorkload(rows).flatMap(([workload, its]) => {
    const named = its.flatMap(({ subject, drawn }) =>
      drawn?.latencyMs === undefined ? [] : [{ name: subject, value: drawn.latencyMs }],
    );
    return curves(`${workload}: latency in ms, against the part of replies that came no later`, named, subjects) ?? [];
  });
}

function processes(rows: readonly Row[]): string[] {
  return byWorkload(rows).flatMap(([workload, its]) => {
    const named = its.flatMap(({ subject, drawn }) =>
      drawn?.cpuMicrosOf === undefined ? [] : [{ name: subject, value: drawn.cpuMicrosOf }],
    );
    return bars(`${workload}: CPU time of a share, µs, by process`, named) ?? [];
  });
}

function byWorkload(rows: readonly Row[]): [string, Row[]][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(row.workload, [...(groups.get(row.workload) ?? []), row]);
  return [...groups];
}

function table(rows: readonly Row[], all: readonly Column[]): string {
  const columns = all.filter(({ name }) => rows.some(({ values }) => values[name] !== undefined));
  const cells = (values: readonly string[]): string => values.map((value) => `<td>${html(value)}</td>`).join('');
  const groups = byWorkload(rows).map(([workload, its]) => {
    const head = `<tr><th scope="rowgroup" colspan="${columns.length + 1}">${html(workload)}</th></tr>`;
    const lines = its.map(({ subject, values }) => {
      const figures = columns.map((column) => formatSpread(values[column.name], column));
      return `<tr><th scope="row">${html(subject)}</th>${cells(figures)}</tr>`;
    });
    return `<tbody>${head}${lines.join('')}</tbody>`;
  });
  const head = columns.map(({ title }) => `<th scope="col">${html(title)}</th>`).join('');
  return `<div class="wide"><table><thead><tr><td></td>${head}</tr></thead>${groups.join('')}</table></div>`;
}

function machineText({ cores, cpu, memoryGiB, system, node, commit, date }: Machine): string {
  const day = date.slice(0, 16).replace('T', ' ');
  return `${cores} × ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}, commit ${commit}, ${day} UTC`;
}

function noisy({ benchmark, loadBefore }: Result): string {
  const load = loadBefore.toFixed(1);
  return `<p class="warning">${html(benchmark)}: the machine had other work (load ${load} before it), so its figures are low and noisy.</p>`;
}

const HOW_TO_READ =
  '<h2>How to read this</h2><p>A dot is the median of the rounds, its line goes from the least to the greatest. All subjects of a plot took turns ' +
  'in the same run, so compare within a plot, not with another day’s. Latency curves and CPU bars are of the round whose latency ' +
  'at 99 % is in the middle. bench/README.md states the method.</p>';

const STYLE = `
:root { color-scheme: light dark; --text: #1b1f24; --soft: #57606a; --line: #d8dee4; --back: #ffffff; --warn: #9a3412; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --soft: #9aa4af; --line: #30363d; --back: #0d1117; --warn: #fdba74; } }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2.5rem 0 0; }
.machine, .note, footer { color: var(--soft); font-size: .9rem; } .warning { color: var(--warn); }
nav a { margin-right: .8rem; } a { color: inherit; } figure { margin: 1.5rem 0; }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; fill: var(--text); }
svg .title { font-size: 13px; font-weight: 600; } svg .group { font-weight: 600; } svg .end { text-anchor: end; } svg .middle { text-anchor: middle; fill: var(--soft); }
svg .grid { stroke: var(--line); } svg .whisker { stroke: var(--soft); stroke-width: 2; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; } th, td { padding: .15rem .7rem; text-align: right; white-space: nowrap; }
th[scope=row], th[scope=rowgroup] { text-align: left; } th[scope=row] { font-weight: 400; } th[scope=rowgroup] { padding-top: .6rem; } thead { border-bottom: 1px solid var(--line); color: var(--soft); }
@media print { body { font-size: 11px; } main { padding: 0; max-width: none; } nav { display: none; } figure, tr { break-inside: avoid; } h2 { break-after: avoid; } }
`;
