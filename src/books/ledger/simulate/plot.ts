import type { Figure } from './figure.ts';
import { BEST_LEAVE } from './hopper.ts';
import type { Simulation } from './simulation.ts';
import { ppsRuin, propHopperGain } from './theory.ts';
import { HOPPER_SHARE, SLICES_PER_BLOCK } from './world.ts';

const WIDTH = 1120;
const HEIGHT = 420;
const PANEL = { width: 280, height: 250, top: 90 };
const LEFTS = [70, 440, 810];
const INK = '#1f2933';
const FAINT = '#d5dbe1';
const COLOURS = { pplns: '#0b6e99', prop: '#c8501e', solo: '#6b4ea0', pps: '#2f7d4f', fpps: '#8a6d00' } as const;

type Point = readonly [x: number, y: number];

/** Maps numbers of a panel's axes to pixels. */
interface Panel {
  readonly left: number;
  x(value: number): number;
  y(value: number): number;
}

interface Axis {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
  readonly label: string;
  readonly text: (value: number) => string;
}

/** A simulation as an SVG picture: the hopper's gain, the operator's ruin, and the variance of an income. */
export function plot(simulation: Simulation): string {
  const { blocks, seed, ok } = simulation;
  const title = `Reward schemes over ${blocks.toLocaleString('en')} simulated blocks, seed ${seed}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="${INK}">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(LEFTS[0] ?? 0, 30, `${title}. Lines are theory, marks are measured.`, 'font-size="15" font-weight="bold"'),
    text(LEFTS[0] ?? 0, 50, ok ? 'Every figure is within its tolerance.' : 'Some figures are out of their tolerance.'),
    hopperPanel(simulation),
    ruinPanel(simulation),
    incomePanel(simulation.figures),
    '</svg>',
    '',
  ].join('\n');
}

function hopperPanel({ hops }: Simulation): string {
  const percent = (value: number): string => `${Math.round(value * 100)} %`;
  const panel = axes(
    LEFTS[0] ?? 0,
    'What a pool hopper gains',
    { from: 0, to: 3, ticks: [0, 1, 2, 3], label: "leaves after … blocks' worth of work", text: String },
    { from: -0.05, to: 0.35, ticks: [0, 0.1, 0.2, 0.3], label: 'gain over staying', text: percent },
  );
  const theory: Point[] = [];
  for (let slices = 1; slices <= 3 * SLICES_PER_BLOCK; slices += 1) {
    theory.push([slices / SLICES_PER_BLOCK, propHopperGain(slices, SLICES_PER_BLOCK, HOPPER_SHARE)]);
  }
  const best = hops.find(({ leaveAfter }) => leaveAfter === BEST_LEAVE);
  return [
    panel.svg,
    line(panel, theory, COLOURS.prop),
    line(
      panel,
      [
        [0, 0],
        [3, 0],
      ],
      COLOURS.pplns,
    ),
    ...hops.flatMap(({ leaveAfter, prop, pplns }) => [
      mark(panel, [leaveAfter, prop], COLOURS.prop),
      mark(panel, [leaveAfter, pplns], COLOURS.pplns),
    ]),
    text(panel.x(0.75), panel.y(0.285), `prop: ${percent(best?.prop ?? 0)} at ${BEST_LEAVE}`, `fill="${COLOURS.prop}"`),
    text(panel.x(1.2), panel.y(0.02), 'pplns: nothing', `fill="${COLOURS.pplns}"`),
  ].join('\n');
}

function ruinPanel({ reserves }: Simulation): string {
  const power = (value: number): string => (value === 0 ? '1' : `1/${(10 ** -value).toLocaleString('en')}`);
  const panel = axes(
    LEFTS[1] ?? 0,
    'Operators ruined, with a fee of 5 %',
    { from: 0, to: 75, ticks: [0, 25, 50, 75], label: 'reserve, in blocks', text: String },
    { from: -3.5, to: 0, ticks: [-3, -2, -1, 0], label: 'part that is ruined', text: power },
  );
  const curve = (probability: (blocks: number) => number): Point[] =>
    [0, 25, 50, 75].map((blocks) => [blocks, Math.log10(probability(blocks))]);
  const marks = reserves.flatMap(({ scheme, ruins }, at) =>
    ruins
      .filter(({ measured }) => measured > 10 ** -3.5)
      .map(({ blocks, measured }) => mark(panel, [blocks, Math.log10(measured)], COLOURS[scheme], 6 - 3 * at)),
  );
  return [
    panel.svg,
    line(
      panel,
      curve((blocks) => Math.exp(-2 * 0.05 * blocks)),
      INK,
      'stroke-dasharray="5 4"',
    ),
    line(
      panel,
      curve((blocks) => ppsRuin(blocks, 0.05)),
      COLOURS.pps,
    ),
    ...marks,
    text(panel.x(36), panel.y(-0.5), 'dashed: e^(−2fR/B)'),
    text(panel.x(36), panel.y(-0.75), 'solid: exact'),
    text(panel.x(3), panel.y(-3), '● pps', `fill="${COLOURS.pps}"`),
    text(panel.x(3), panel.y(-3.25), '● fpps', `fill="${COLOURS.fpps}"`),
  ].join('\n');
}

/** Standard deviation of an income relative to its mean, as bars; theory is the line across each. */
function incomePanel(figures: readonly Figure[]): string {
  const percent = (value: number): string => `${Math.round(value * 100)} %`;
  const panel = axes(
    LEFTS[2] ?? 0,
    'How an income varies (18 % of work)',
    { from: 0, to: 4, ticks: [], label: "in the time of 10 blocks' worth of work", text: String },
    { from: 0, to: 0.8, ticks: [0, 0.2, 0.4, 0.6, 0.8], label: 'standard deviation ÷ mean', text: percent },
  );
  const mean = 1.8;
  const bars = (['solo', 'prop', 'pplns', 'pps'] as const).map((scheme, at) => {
    const figure = figures.find(({ name }) => name === `${scheme}.variance.income`);
    const deviation = Math.sqrt(figure?.measured ?? 0) / mean;
    const theory = Math.sqrt(figure?.theory ?? 0) / mean;
    const [left, width] = [panel.x(at + 0.2), panel.x(at + 0.8) - panel.x(at + 0.2)];
    const top = panel.y(deviation);
    return [
      `<rect x="${round(left)}" y="${round(top)}" width="${round(width)}" height="${round(panel.y(0) - top)}" fill="${COLOURS[scheme]}" fill-opacity="0.75"/>`,
      `<line x1="${round(left - 6)}" x2="${round(left + width + 6)}" y1="${round(panel.y(theory))}" y2="${round(panel.y(theory))}" stroke="${INK}" stroke-width="2"/>`,
      text(left + width / 2, top - 8, percent(deviation), 'text-anchor="middle"'),
      text(left + width / 2, panel.y(0) + 16, scheme, 'text-anchor="middle"'),
    ].join('\n');
  });
  return [panel.svg, ...bars].join('\n');
}

function axes(left: number, title: string, x: Axis, y: Axis): Panel & { readonly svg: string } {
  const { width, height, top } = PANEL;
  const place = ({ from, to }: Axis, value: number): number => (value - from) / (to - from);
  const panel: Panel = {
    left,
    x: (value) => left + place(x, value) * width,
    y: (value) => top + (1 - place(y, value)) * height,
  };
  const bottom = top + height;
  const svg = [
    text(left, top - 12, title, 'font-size="13" font-weight="bold"'),
    ...y.ticks.map(
      (tick) =>
        `<line x1="${left}" x2="${left + width}" y1="${round(panel.y(tick))}" y2="${round(panel.y(tick))}" stroke="${FAINT}"/>` +
        text(left - 6, panel.y(tick) + 4, y.text(tick), 'text-anchor="end"'),
    ),
    ...x.ticks.map((tick) => text(panel.x(tick), bottom + 16, x.text(tick), 'text-anchor="middle"')),
    text(left + width / 2, bottom + 38, x.label, 'text-anchor="middle"'),
    `<text transform="translate(${left - 48} ${top + height / 2}) rotate(-90)" text-anchor="middle">${y.label}</text>`,
    `<line x1="${left}" x2="${left + width}" y1="${bottom}" y2="${bottom}" stroke="${INK}"/>`,
  ].join('\n');
  return { ...panel, svg };
}

function line(panel: Panel, points: readonly Point[], colour: string, more = ''): string {
  const at = points.map(([x, y]) => `${round(panel.x(x))},${round(panel.y(y))}`).join(' ');
  return `<polyline points="${at}" fill="none" stroke="${colour}" stroke-width="2" ${more}/>`;
}

function mark(panel: Panel, [x, y]: Point, colour: string, radius = 4): string {
  return `<circle cx="${round(panel.x(x))}" cy="${round(panel.y(y))}" r="${radius}" fill="${colour}" stroke="#ffffff"/>`;
}

function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${more}>${content}</text>`;
}

function round(pixels: number): string {
  return pixels.toFixed(1);
}
