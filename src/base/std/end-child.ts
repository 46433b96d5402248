import type { Child } from './supervised-child.ts';
import { LATE, within } from './within.ts';

/** How long a process may take to end after it was asked to, if its parent has time. */
export const END_MS_MAX = 7_000;
/** Of that, a process that is killed gets this long to be gone. */
const KILL_MS_MAX = 1_000;

/**
 * Waits up to `msMax` for the end of a process that was asked to end, then kills it. On a busy machine a process of low priority
 * takes long to end. Resolves with false if it had to be killed.
 */
export async function endOf(child: Pick<Child, 'gone' | 'kill'>, msMax = END_MS_MAX): Promise<boolean> {
  const killMs = Math.min(KILL_MS_MAX, msMax / 2);
  if ((await within(child.gone, msMax - killMs)) !== LATE) return true;
  child.kill();
  await within(child.gone, killMs, { ref: false });
  return false;
}
