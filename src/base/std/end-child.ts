import type { Child } from './supervised-child.ts';
import { LATE, within } from './within.ts';

/** How long a process may take to end when it was asked to, where its parent is not in a hurry. */
export const END_MS_MAX = 7_000;
/** Of that, a process that is killed gets this long to be gone. */
const KILL_MS_MAX = 1_000;

/**
 * Waits for the end of a process that was asked to end, `msMax` at most, and kills it where it takes longer. On a machine that
 * is full a process that comes last of all also comes last to its end. Resolves with false if it had to be killed.
 */
export async function endOf(child: Pick<Child, 'gone' | 'kill'>, msMax = END_MS_MAX): Promise<boolean> {
  const killMs = Math.min(KILL_MS_MAX, msMax / 2);
  if ((await within(child.gone, msMax - killMs)) !== LATE) return true;
  child.kill();
  await within(child.gone, killMs, { ref: false });
  return false;
}
