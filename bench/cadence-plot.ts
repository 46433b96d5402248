/** The measurements of one server, by rate. */
export interface Series {
  readonly name: string;
  /** `rate`: shares a second. Both are greater than 0. */
  readonly points: readonly { readonly rate: number; readonly value: number }[];
}

export interface Panel {
  /** With the unit. */
  readonly title: string;
  readonly series: readonly Series[];
}

const colors = ['#0b6e4f', '#c1440e', '#3a5fcd', '#8a6d00'];
const [WIDTH, HEIGHT] = [900, 300];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 190, 34, 44];

/** Values over rate, both axes logarithmic; one panel below the other. */
export function plot(panels: readonly Panel[]): string {
  const height = panels.length * HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<title>CPU and latency of a share over the rate of shares</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...panels.map((panel, index) => drawPanel(panel, index * HEIGHT)),
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, series }: Panel, top: number): string {
  const points = series.flatMap((each) => each.points);
  const [fromX, toX] = decades(points.map(({ rate }) => rate));
  const [fromY, toY] = decades(points.map(({ value }) => value));
  const x = (rate: number): number =>
    LEFT + ((WIDTH - LEFT - RIGHT) * (Math.log10(rate) - fromX)) / Math.max(1, toX - fromX);
  const y = (value: number): number =>
    top + TOP + ((HEIGHT - TOP - BOTTOM) * (toY - Math.log10(value))) / Math.max(1, toY - fromY);
  const lines = [`<text x="${LEFT}" y="${top + 20}" font-size="14" font-weight="bold">${title}</text>`];
  const [right, bottom] = [WIDTH - RIGHT, top + HEIGHT - BOTTOM];
  for (let decade = fromY; decade <= toY; decade += 1) {
    const at = round(y(10 ** decade));
    lines.push(
      `<line x1="${LEFT}" y1="${at}" x2="${right}" y2="${at}" stroke="#dddddd"/>`,
      `<text x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${format(10 ** decade)}</text>`,
    );
  }
  for (let decade = fromX; decade <= toX; decade += 1) {
    const at = round(x(10 ** decade));
    lines.push(
      `<line x1="${at}" y1="${top + TOP}" x2="${at}" y2="${bottom}" stroke="#dddddd"/>`,
      `<text x="${at}" y="${bottom + 16}" text-anchor="middle">${format(10 ** decade)}</text>`,
    );
  }
  lines.push(`<text x="${(LEFT + right) / 2}" y="${bottom + 34}" text-anchor="middle">shares a second</text>`);
  for (const [index, { name, points: own }] of series.entries()) {
    const color = colors[index % colors.length];
    lines.push(
      `<polyline points="${own.map(({ rate, value }) => `${round(x(rate))},${round(y(value))}`).join(' ')}" fill="none" stroke="${color}" stroke-width="1.6"/>`,
      ...own.map(
        ({ rate, value }) => `<circle cx="${round(x(rate))}" cy="${round(y(value))}" r="2.5" fill="${color}"/>`,
      ),
      `<text x="${right + 8}" y="${top + TOP + 14 + index * 18}" fill="${color}">${name}</text>`,
    );
  }
  return lines.join('\n');
}

/** The powers of ten around these values. */
function decades(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  return [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
}

function format(value: number): string {
  return value >= 1 ? value.toLocaleString('en') : String(Number(value.toPrecision(1)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
