import type { Sample } from './vardiff-simulation.ts';

/** One rule's run in the plot. */
export interface Series {
  readonly name: string;
  readonly samples: readonly Sample[];
}

/** One picture of what happened to a miner. */
export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
}

const colors = ['#0b6e4f', '#c1440e', '#3a5fcd'];
const [WIDTH, HEIGHT] = [900, 250];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 120, 34, 34];
/** Divisions of the time axis. */
const TICKS = 6;
/** Decades of share rate around the one aimed at, and the least and most that is drawn. */
const DECADES = 2;

/** Share rates over time, relative to what each rule aims at, on a logarithmic scale; one panel below the other. */
export function plot(panels: readonly Panel[]): string {
  const parts = panels.map((panel, index) => drawPanel(panel, index * HEIGHT));
  const height = panels.length * HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<title>Share rate over the one aimed at, by rule</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, series }: Panel, top: number): string {
  const seconds = Math.max(...series.map(({ samples }) => samples.length));
  const x = (second: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * second) / seconds;
  const y = (ratio: number): number => {
    const decade = Math.min(Math.max(Math.log10(ratio), -DECADES), DECADES);
    return top + TOP + ((HEIGHT - TOP - BOTTOM) * (DECADES - decade)) / (2 * DECADES);
  };
  const lines = [`<text x="${LEFT}" y="${top + 20}" font-size="14" font-weight="bold">${title}</text>`];
  const right = WIDTH - RIGHT;
  lines.push(
    `<rect x="${LEFT}" y="${round(y(2))}" width="${right - LEFT}" height="${round(y(0.5) - y(2))}" fill="#e8f3ee"/>`,
  );
  for (let decade = -DECADES; decade <= DECADES; decade += 1) {
    const at = round(y(10 ** decade));
    lines.push(
      `<line x1="${LEFT}" y1="${at}" x2="${right}" y2="${at}" stroke="${decade === 0 ? '#555555' : '#dddddd'}"/>`,
      `<text x="${LEFT - 6}" y="${at + 4}" text-anchor="end">×${10 ** decade}</text>`,
    );
  }
  const minutes = seconds / 60;
  for (let minute = 0; minute <= minutes; minute += minutes / TICKS) {
    const at = round(x(minute * 60));
    lines.push(`<text x="${at}" y="${top + HEIGHT - 14}" text-anchor="middle">${minute} min</text>`);
  }
  for (const [index, { name, samples }] of series.entries()) {
    const color = colors[index % colors.length];
    const points: string[] = [];
    let last = Number.NaN;
    for (const [second, { difficulty, ideal }] of samples.entries()) {
      const ratio = ideal / difficulty;
      if (ratio === last && second !== samples.length - 1) continue;
      // A step: the rate stays until it changes.
      if (!Number.isNaN(last)) points.push(`${round(x(second))},${round(y(last))}`);
      points.push(`${round(x(second))},${round(y(ratio))}`);
      last = ratio;
    }
    lines.push(
      `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="1.6"/>`,
      `<text x="${right + 8}" y="${top + TOP + 14 + index * 18}" fill="${color}">${name}</text>`,
    );
  }
  return lines.join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
