import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const engine = fileURLToPath(new URL('../../dist/books/analytics/chdb-warehouse.js', import.meta.url));
const program = `
  const [, engine, folder, sql] = process.argv;
  const { openChdb } = await import(engine);
  const warehouse = await openChdb(folder);
  await warehouse.command(sql);
  process.exit(0);
`;

/** Runs a statement that changes the embedded ClickHouse of a stopped pool, as nothing of the pool would. */
export function falsify(data: string, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '-e', program, engine, data, sql], (error, _out, stderr) => {
      if (error === null) resolve();
      else reject(new Error(stderr));
    });
  });
}
