import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Insert } from '#books/analytics/warehouse';

const script = fileURLToPath(new URL('engine-process.mjs', import.meta.url));

/**
 * Runs statements (`migrate`: makes the tables), and inserts shipments, on the embedded engine of a data folder that no pool uses now. Resolves with the rows
 * of the last SELECT; rejects with what the engine says.
 */
export async function onEngine(folder: string, steps: readonly (string | Insert)[]): Promise<string[][]> {
  const engine = spawn(process.execPath, [script, folder], { stdio: ['pipe', 'pipe', 'pipe'] });
  const encoded = steps.map((step) =>
    typeof step === 'string'
      ? step.trim()
      : { insert: { ...step, parts: step.parts.map((part) => Buffer.from(part).toString('base64')) } },
  );
  engine.stdin.end(JSON.stringify(encoded));
  const [rows, errors] = await Promise.all([text(engine.stdout), text(engine.stderr)]);
  if (rows === '') throw new Error(`the engine failed: ${errors}`);
  return JSON.parse(rows) as string[][];
}
