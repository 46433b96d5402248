import { blocksSchema } from './blocks/schema.ts';
import { entriesSchema } from './entries/schema.ts';
import { payPerShareSchema } from './pay-per-share/schema.ts';
import { payoutsSchema } from './payouts/schema.ts';
import { slicesSchema, windowEndSchema } from './slices/schema.ts';
import { termsSchema } from './terms/schema.ts';

/**
 * The steps that make `ledger.db`, in order: SQL statements each. A step that was released is never changed; a change is a
 * new step at the end. `PRAGMA user_version` counts the steps that a file has had.
 */
export const schemaSteps: readonly string[] = [
  entriesSchema,
  slicesSchema,
  blocksSchema,
  payPerShareSchema,
  payoutsSchema,
  windowEndSchema,
  termsSchema,
];
