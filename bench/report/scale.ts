/** Where a value is drawn, and which values get a line and a name. */
export interface Scale {
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** From this ratio of greatest to least on, a scale is logarithmic. */
const WIDE = 30;

/** A scale from `start` to `end`, in pixels, that has all values, which are not below zero. */
export function scaleFor(values: readonly number[], start: number, end: number): Scale {
  const above = values.filter((value) => value > 0);
  const [least, greatest] = [Math.min(...above, Number.MAX_VALUE), Math.max(...above, 0)];
  if (greatest === 0) return { at: () => start, ticks: [0] };
  return greatest / least > WIDE ? logarithmic(least, greatest, start, end) : linear(greatest, start, end);
}

function linear(greatest: number, start: number, end: number): Scale {
  const rough = greatest / 4;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * decade).find((one) => one >= rough) ?? rough;
  const top = Math.ceil(greatest / step - 1e-9) * step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
  return { at: (value) => start + ((end - start) * value) / top, ticks };
}

function logarithmic(least: number, greatest: number, start: number, end: number): Scale {
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(greatest))];
  const at = (value: number): number => {
    const decades = Math.log10(Math.max(value, 10 ** from)) - from;
    return start + ((end - start) * decades) / Math.max(1, to - from);
  };
  return { at, ticks: Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index)) };
}
