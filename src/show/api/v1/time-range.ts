import { limits } from '#base/limits';
import { problem } from '../problem.ts';
import { OtherAnswer } from './endpoint.ts';

/** From `fromMs` to before `toMs`. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The range that a request asks for, or the answer that refuses it. Without `to` it ends now; without `from` it is `defaultMs` long. */
export function timeRange(
  { from, to }: { readonly from?: number | undefined; readonly to?: number | undefined },
  { nowMs, defaultMs, msMax }: { readonly nowMs: number; readonly defaultMs: number; readonly msMax: number },
): TimeRange | OtherAnswer {
  const toMs = to ?? nowMs;
  const fromMs = from ?? toMs - defaultMs;
  if (fromMs >= toMs) return refused('from: must be before to');
  if (toMs - fromMs > msMax) return refused(`from: the range may be ${describe(msMax)} long`);
  if (fromMs < 0 || toMs > limits.apiUnixSecondsMax * 1000) return refused('from: this is no time of a pool');
  return { fromMs, toMs };
}

function refused(detail: string): OtherAnswer {
  return new OtherAnswer(problem('400 Bad Request', detail));
}

function describe(ms: number): string {
  const hours = Math.round(ms / 3_600_000);
  return hours % 24 === 0 ? `${hours / 24} days` : `${hours} hours`;
}
