// Runs statements on the embedded engine of a data folder, in a process of its own and without the gate. Reads a JSON array from
// stdin: "migrate" makes the tables, another text is a statement, an object with `insert` is a shipment whose parts are in base64. Prints the rows of the last
// statement as JSON, and ends.
import { text } from 'node:stream/consumers';
import { openChdb } from '../../../dist/books/analytics/chdb-warehouse.js';
import { migrate, schemaVersion } from '../../../dist/books/analytics/schema/migrate.js';

const [folder] = process.argv.slice(2);
const warehouse = await openChdb(folder);
let rows = [];
for (const step of JSON.parse(await text(process.stdin))) {
  if (step === 'migrate') await migrate(warehouse, await schemaVersion(warehouse));
  else if (typeof step !== 'string') {
    const parts = step.insert.parts.map((part) => Buffer.from(part, 'base64'));
    await warehouse.insert({ ...step.insert, parts });
  } else if (/^(SELECT|WITH|DESCRIBE|SHOW)/.test(step)) rows = await warehouse.rows(step);
  else await warehouse.command(step);
}
process.stdout.write(JSON.stringify(rows), () => process.kill(process.pid, 'SIGKILL'));
