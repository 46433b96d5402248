import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const engine = fileURLToPath(new URL('../../dist/books/analytics/chdb-warehouse.js', import.meta.url));
const program = `
  const [, engine, folder, ...statements] = process.argv;
  const { openChdb } = await import(engine);
  const warehouse = await openChdb(folder);
  for (const sql of statements) await warehouse.command(sql);
  process.exit(0);
`;

/** Runs statements that change the embedded ClickHouse of a stopped pool, as nothing of the pool would. */
export function falsify(data: string, ...statements: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      ['--input-type=module', '-e', program, engine, data, ...statements],
      (error, _out, stderr) => {
        if (error === null) resolve();
        else reject(new Error(stderr));
      },
    );
  });
}
