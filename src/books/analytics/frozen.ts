import { z } from 'zod';
import { askForPromise, type Promised } from '#base/std/held-connection';
import { withSocketPath } from '#shares/sharelog/journal/socket-path';
import type { AnalyticsOptions } from './analytics.ts';
import { QueryError } from './query-client.ts';
import { FREEZE_PATH, OWN_SOCKET_FILE, SOCKET_FILE } from './query-server.ts';
import { askOrStart } from './query-sql.ts';

/** How far a life of a journal (shares/sharelog/journal/identity.ts) had come to ClickHouse. */
export interface DeliveredLife {
  readonly log: string;
  readonly seq: number;
}

/** The embedded ClickHouse's tables as they were at one moment, between two shipments (`FROZEN_FOLDER`). */
export interface FrozenTables {
  readonly delivered: readonly DeliveredLife[];
  /** True if the engine's process has ended meanwhile: then what was frozen may be gone. */
  readonly isLost: boolean;
  release(): Promise<void>;
}

/** A shipment that is under way, or a log of a day on a stopped pool, comes first. */
const FREEZE_MS_MAX = 15 * 60_000;
const answer = z.array(z.object({ log: z.string().min(1), seq: z.int().nonnegative() }));

/**
 * Freezes the tables of a data folder's embedded ClickHouse, whether its pool runs or not (see `querySql`). Rejects with a
 * QueryError whose message is for the user.
 */
export async function freezeTables(options: AnalyticsOptions, waiting: () => void = () => {}): Promise<FrozenTables> {
  const { folder } = options;
  const { running, own } = await askOrStart(options, () => ask(folder, SOCKET_FILE), waiting);
  if (own === undefined) return frozen(running, async () => {});
  try {
    const promised = await ask(folder, OWN_SOCKET_FILE);
    if (promised === undefined) throw new QueryError('the process that was started for ClickHouse has ended');
    return frozen(promised, () => own.close());
  } catch (error) {
    await own.close();
    throw error;
  }
}

function frozen(promised: Promised, close: () => Promise<void>): FrozenTables {
  return {
    delivered: answer.parse(JSON.parse(promised.answer)),
    get isLost() {
      return promised.isLost;
    },
    release: async () => {
      promised.release();
      await close();
    },
  };
}

/** Undefined if nobody listens there. */
async function ask(folder: string, file: string): Promise<Promised | undefined> {
  const promised = await withSocketPath(folder, file, (path) => askForPromise(path, FREEZE_PATH, FREEZE_MS_MAX));
  if (promised === 'absent') return undefined;
  if ('status' in promised) throw new QueryError(`ClickHouse can not be copied now: ${promised.body.trim()}`);
  return promised;
}
