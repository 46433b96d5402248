import type { Curve, Parts, Row } from '../run/samples.ts';
import type { Column } from '../run/table.ts';
import { figure, html } from './html.ts';
import { type Scale, scaleFor } from './scale.ts';

const WIDTH = 760;
const LINE = 22;
const HEAD = 26;
/** Room for the names of subjects. */
const LEFT = 190;
const RIGHT = 90;
/** Told apart also by those who see few colours (Okabe and Ito), on white and on black. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c8c8c'] as const;

/** One value of all rows: a dot at the median, a line from the least to the greatest round. Undefined where no row has it. */
export function dots(rows: readonly Row[], { name, title }: Column): string | undefined {
  const shown = rows.flatMap(({ workload, subject, values }) => {
    const spread = values[name];
    return spread === undefined ? [] : [{ workload, subject, spread }];
  });
  if (shown.length === 0) return undefined;
  const scale = scaleFor(
    shown.flatMap(({ spread }) => [spread.min, spread.max]),
    LEFT,
    WIDTH - RIGHT,
  );
  const parts: string[] = [];
  let y = HEAD;
  let workload: string | undefined;
  for (const { workload: its, subject, spread } of shown) {
    if (its !== workload) {
      parts.push(text(0, y + 14, its, 'group'));
      workload = its;
      y += LINE;
    }
    const [low, middle, high] = [spread.min, spread.median, spread.max].map((value) => round(scale.at(value)));
    parts.push(
      text(LEFT - 10, y + 14, subject, 'end'),
      `<line class="whisker" x1="${low}" x2="${high}" y1="${y + 10}" y2="${y + 10}"/>`,
      `<circle cx="${middle}" cy="${y + 10}" r="4.5" fill="${COLORS[0]}"/>`,
      text((high ?? 0) + 10, y + 14, figure(spread.median)),
    );
    y += LINE;
  }
  return svg(title, y + 24, [...grid(scale, HEAD, y), ...parts]);
}

interface Named<Value> {
  readonly name: string;
  readonly value: Value;
}

const CURVE_HEIGHT = 250;
const CURVE_LEFT = 60;
/** Parts of replies that get a line: each next one is ten times as rare. */
const NINES = [0, 0.9, 0.99, 0.999, 0.9999] as const;

/**
 * Latencies against the part of replies that came no later, of each subject: a tail that a mean hides is seen here. `subjects` are
 * those of all such plots of a page, so that each has its colour in all of them.
 */
export function curves(title: string, named: readonly Named<Curve>[], subjects: readonly string[]): string | undefined {
  if (named.length === 0) return undefined;
  const right = WIDTH - 170;
  const rarity = (part: number): number => -Math.log10(1 - Math.min(part, 0.99995));
  const x = (part: number): number => CURVE_LEFT + ((right - CURVE_LEFT) * rarity(part)) / rarity(0.99995);
  const y = scaleFor(
    named.flatMap(({ value }) => value.map(([, ms]) => ms)),
    CURVE_HEIGHT - 30,
    HEAD,
  );
  const lines = y.ticks.flatMap((tick) => [
    `<line class="grid" x1="${CURVE_LEFT}" x2="${right}" y1="${round(y.at(tick))}" y2="${round(y.at(tick))}"/>`,
    text(CURVE_LEFT - 8, y.at(tick) + 4, figure(tick), 'end'),
  ]);
  const marks = NINES.flatMap((part) => [
    `<line class="grid" x1="${round(x(part))}" x2="${round(x(part))}" y1="${HEAD}" y2="${CURVE_HEIGHT - 30}"/>`,
    text(x(part), CURVE_HEIGHT - 12, `${Number((part * 100).toFixed(2))} %`, 'middle'),
  ]);
  const drawn = named.flatMap(({ name, value }, index) => {
    const color = COLORS[Math.max(subjects.indexOf(name), 0) % COLORS.length];
    const points = value.map(([part, ms]) => `${round(x(part))},${round(y.at(ms))}`).join(' ');
    return [
      `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="2"/>`,
      `<text x="${right + 12}" y="${HEAD + 12 + index * 18}" fill="${color}">${html(name)}</text>`,
    ];
  });
  return svg(title, CURVE_HEIGHT, [...lines, ...marks, ...drawn]);
}

/** A bar of each subject, cut into its parts; the parts have the same colours in all of them. */
export function bars(title: string, named: readonly Named<Parts>[]): string | undefined {
  const names = [...new Set(named.flatMap(({ value }) => Object.keys(value)))];
  if (names.length === 0) return undefined;
  const sum = (parts: Parts): number => Object.values(parts).reduce((all, part) => all + Math.max(part, 0), 0);
  const scale = scaleFor([Math.max(...named.map(({ value }) => sum(value)))], LEFT, WIDTH - RIGHT);
  const bottom = HEAD + named.length * LINE;
  const drawn = named.flatMap(({ name, value }, index) => {
    const y = HEAD + index * LINE;
    let from = 0;
    const pieces = names.flatMap((part, at) => {
      const size = Math.max(value[part] ?? 0, 0);
      const left = scale.at(from);
      from += size;
      const width = scale.at(from) - left;
      const hint = `<title>${html(part)}: ${figure(size)}</title>`;
      return size === 0
        ? []
        : [
            `<rect x="${round(left)}" y="${y + 3}" width="${round(width)}" height="15" fill="${COLORS[at % COLORS.length]}">${hint}</rect>`,
          ];
    });
    return [text(LEFT - 10, y + 14, name, 'end'), ...pieces, text(scale.at(from) + 10, y + 14, figure(from))];
  });
  const legend = names.map(
    (part, at) =>
      `<text x="${LEFT + (at % 4) * 140}" y="${bottom + 42 + Math.floor(at / 4) * 18}" fill="${COLORS[at % COLORS.length]}">■ ${html(part)}</text>`,
  );
  return svg(title, bottom + 50 + Math.floor((names.length - 1) / 4) * 18, [
    ...grid(scale, HEAD, bottom),
    ...drawn,
    ...legend,
  ]);
}

function grid(scale: Scale, top: number, bottom: number): string[] {
  return scale.ticks.flatMap((tick) => {
    const x = round(scale.at(tick));
    return [
      `<line class="grid" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}"/>`,
      text(x, bottom + 16, figure(tick), 'middle'),
    ];
  });
}

function text(x: number, y: number, content: string, kind = 'start'): string {
  return `<text class="${kind}" x="${round(x)}" y="${round(y)}">${html(content)}</text>`;
}

function svg(title: string, height: number, parts: readonly string[]): string {
  return [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${html(title)}">`,
    text(0, 14, title, 'title'),
    ...parts,
    '</svg>',
  ].join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
