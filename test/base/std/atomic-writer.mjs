/**
 * Replaces a file in a process of its own: `node atomic-writer.mjs PATH sync|async trace|die|loop`.
 * trace: prints the calls that matter, in their order. die: ends by SIGKILL where the rename would be. loop: replaces the file
 * until it is killed, by so many equal digits that a torn file shows.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [path, kind, what] = process.argv.slice(2);
const calls = [];

/** Has each call of a function noted, once it has ended. */
function traced(owner, name, note) {
  const original = owner[name];
  owner[name] = function (...args) {
    const result = original.apply(this, args);
    if (!(result instanceof Promise)) calls.push(note);
    else result.then(() => calls.push(note));
    return result;
  };
}

if (what === 'trace') {
  const handle = await fs.promises.open(process.execPath);
  const handles = Object.getPrototypeOf(handle);
  await handle.close();
  for (const [owner, suffix] of [
    [fs, 'Sync'],
    [fs.promises, ''],
  ]) {
    traced(owner, `rename${suffix}`, 'rename');
    traced(owner, `open${suffix}`, 'open');
  }
  traced(fs, 'fsyncSync', 'sync');
  traced(fs, 'writeFileSync', 'write');
  traced(handles, 'sync', 'sync');
  traced(handles, 'appendFile', 'write');
}
if (what === 'die') {
  const die = () => process.kill(process.pid, 'SIGKILL');
  fs.renameSync = die;
  fs.promises.rename = die;
}
syncBuiltinESMExports();

const { replaceFile, replaceFileSync } = await import('../../../dist/base/std/atomic-file.js');
const replace = (text) => (kind === 'sync' ? replaceFileSync(path, text) : replaceFile(path, [text]));

if (what === 'loop') {
  process.send?.('ready');
  for (let round = 0; ; round += 1) await replace(String(round % 10).repeat(10_000));
}
await replace('new');
process.stdout.write(calls.join(' '));
