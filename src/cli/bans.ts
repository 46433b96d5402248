import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Config } from '#base/config/config';
import { loadConfig } from '#base/config/load';
import { systemClock } from '#base/std/system-clock';
import { BanFileError, readBanFile, writeBanFile } from '#front/net/door/ban-file';
import { Bans } from '#front/net/door/bans';
import { banOptions } from '#front/net/door/door-options';
import { lockFile } from '#shares/sharelog/journal/folder-lock';
import { journalLock, POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { withSocketPath } from '#shares/sharelog/journal/socket-path';
import { ADMIN_SOCKET_FILE } from '#show/api/admin-socket';
import { answerBans, BANS_PATH } from '#show/api/bans';
import { CommandError, type ExitCode, exitCodes, type Io } from './io.ts';

export interface BansOptions {
  readonly config?: string;
  readonly json?: boolean;
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

/** The part of the API's answer that is used here. */
interface ShownBan {
  readonly address: string;
  readonly reason: string;
  readonly until: string;
  readonly times: number;
}

/** `sluice bans list`: the bans in force, of a running pool or of a stopped one. */
export async function listBans(options: BansOptions, io: Io): Promise<ExitCode> {
  const body = await ask('GET', '', '', options, io);
  if (options.json === true) {
    io.stdout.write(body);
    return exitCodes.fine;
  }
  const { bans } = JSON.parse(body) as { bans: ShownBan[] };
  const width = Math.max(0, ...bans.map(({ address }) => address.length));
  for (const { address, until, times, reason } of bans) {
    io.stdout.write(`${address.padEnd(width)}  until ${until}  ${reason}${times > 1 ? `, ${times} times` : ''}\n`);
  }
  if (bans.length === 0) io.stdout.write('Nobody is banned.\n');
  return exitCodes.fine;
}

/** `sluice bans lift ADDRESS`. */
export async function liftBan(address: string, options: BansOptions, io: Io): Promise<ExitCode> {
  const body = await ask('DELETE', address, '', options, io);
  io.stdout.write(options.json === true ? body : `${address} may connect again.\n`);
  return exitCodes.fine;
}

/** `sluice bans add ADDRESS --for 1h`. */
export async function addBan(
  address: string,
  options: BansOptions & { readonly for: string; readonly reason?: string },
  io: Io,
): Promise<ExitCode> {
  const query = new URLSearchParams({ for: options.for });
  if (options.reason !== undefined) query.set('reason', options.reason);
  const body = await ask('POST', address, query.toString(), options, io);
  const { ban } = JSON.parse(body) as { ban: ShownBan };
  io.stdout.write(options.json === true ? body : `${ban.address} is banned until ${ban.until}.\n`);
  return exitCodes.fine;
}

/** The answer of the running pool, or the same answer from a stopped pool's file. Refusals become errors. */
async function ask(method: string, address: string, query: string, options: BansOptions, io: Io): Promise<string> {
  const config = loadConfig({ file: options.config, env: io.env });
  const path = `${BANS_PATH}${address === '' ? '' : `/${encodeURIComponent(address)}`}`;
  const reply = (await askPool(config.data, method, path, query)) ?? (await askFile(config, method, path, query));
  if (reply.status === 200) return reply.body;
  const { error } = JSON.parse(reply.body) as { error: string };
  throw new CommandError(error, reply.status === 400 ? exitCodes.usage : exitCodes.failed);
}

/** Undefined if no pool runs on this folder. */
async function askPool(folder: string, method: string, path: string, query: string): Promise<Reply | undefined> {
  if (!existsSync(join(folder, ADMIN_SOCKET_FILE))) return undefined;
  return withSocketPath(
    folder,
    ADMIN_SOCKET_FILE,
    (socketPath) =>
      new Promise<Reply | undefined>((resolve, reject) => {
        const sent = request({ socketPath, method, path: `${path}?${query}` }, (response) => {
          text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
        });
        sent.once('error', (error: NodeJS.ErrnoException) => {
          if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET'].includes(error.code ?? '')) resolve(undefined);
          else reject(new CommandError(`the pool's ${ADMIN_SOCKET_FILE} can not be used: ${error.message}`));
        });
        sent.end();
      }),
  );
}

async function askFile(config: Config, method: string, path: string, query: string): Promise<Reply> {
  const { data: folder, stratum } = config;
  if (!existsSync(folder)) throw new CommandError(`there is no data folder ${folder}: no pool has run there yet`);
  // A pool that starts meanwhile would not see the change, and would write over it.
  const lock = lockFile(journalLock(folder, POOL_JOURNAL));
  if (lock === undefined) throw new CommandError('the pool is starting or stopping: try again in a moment');
  try {
    let isChanged = false;
    const bans = new Bans(banOptions(stratum.bans), {
      clock: systemClock,
      changed: () => {
        isChanged = true;
      },
      banned: () => undefined,
    });
    bans.restore(readBanFile(folder));
    const answer = answerBans(method, path, query, bans);
    if (isChanged) await writeBanFile(folder, bans.records());
    return { status: Number.parseInt(answer.status, 10), body: answer.body };
  } catch (error) {
    throw error instanceof BanFileError ? new CommandError(error.message) : error;
  } finally {
    lock.release();
  }
}
