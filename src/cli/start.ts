import type { Config } from '#base/config/config';
import type { Logger } from '#base/domain/ports';
import { systemClock } from '#base/std/system-clock';
import { LATE, within } from '#base/std/within';
import { createLogger, formatFor } from '#base/telemetry/logger';
import type { Pool, PoolModules } from '#pool/pool';
import { adviceFor } from './advice.ts';
import { poolConfig } from './config.ts';
import { CommandError, type ExitCode, exitCodes, type Io } from './io.ts';
import { hangups, stopSignal } from './stop.ts';
import { version } from './version.ts';

export type StartPool = (config: Config, modules: PoolModules) => Promise<Pool>;

/** How long a pool may take to close before the process ends without it. */
const CLOSE_MS_MAX = 10_000;
/** What may still hold the process open after that has this long. */
const LINGER_MS_MAX = 500;

/** `sluice start`: runs a pool until a signal stops it, and resolves with the exit code. */
export async function start(
  options: { readonly config?: string; readonly json?: boolean },
  io: Io,
  startPool: StartPool = loadPool,
): Promise<ExitCode> {
  const config = poolConfig(options.config, io);
  const logger = createLogger({ level: config.log.level, ...formatFor(io.stderr, io.env) }, io.logs);
  for (const warning of [...config.warnings, ...adviceFor(config)]) logger.warn({}, warning);
  const hangup = hangups(io);
  // Without a certificate there is nothing to reload: SIGHUP then stops the pool, as it does any process.
  const stop = (config.stratum.tls ? stopSignal(io) : Promise.race([stopSignal(io), hangup.first])).then((signal) => {
    logger.info({ signal }, 'stopping; a second signal stops at once');
  });
  const starting = startPool(config, { clock: systemClock, logger, version }).catch((error: unknown) => {
    setTimeout(() => io.exit(exitCodes.failed), LINGER_MS_MAX).unref();
    throw new CommandError(`the pool did not start: ${reasonOf(error)}`);
  });
  const started = await Promise.race([starting, stop.then(() => within(starting, CLOSE_MS_MAX / 2))]);
  const pool = started === LATE ? undefined : started;
  if (config.stratum.tls) hangup.each(() => pool?.reload());
  const code = pool === undefined ? exitCodes.fine : await runUntil(stop, pool, options.json === true, io, logger);
  setTimeout(() => io.exit(code), LINGER_MS_MAX).unref();
  return code;
}

async function runUntil(stop: Promise<void>, pool: Pool, json: boolean, io: Io, logger: Logger): Promise<ExitCode> {
  io.stdout.write(`${readyLine(pool, json)}\n`);
  await stop;
  return (await close(pool, logger)) ? exitCodes.fine : exitCodes.failed;
}

/** The composition root is loaded when it is needed: `sluice check` does without it. */
const loadPool: StartPool = async (config, modules) => {
  const { startPool } = await import('#pool/pool');
  // What miners did, and from where, is for the owner of the data folder alone. Gateways and ClickHouse inherit this.
  process.umask(0o077);
  return startPool(config, modules);
};

function readyLine({ endpoints }: Pool, json: boolean): string {
  const { stratumTcp, stratumWebsocket, stratumTls, http } = endpoints;
  if (json) return JSON.stringify({ ready: true, stratumTcp, stratumWebsocket, stratumTls, http });
  return ['sluice ready', stratumTcp, stratumWebsocket, stratumTls, http]
    .filter((part) => part !== undefined)
    .join(' ');
}

/** False if the pool could not close, or not in time. */
async function close(pool: Pool, logger: Logger): Promise<boolean> {
  try {
    if ((await within(pool.close(), CLOSE_MS_MAX)) !== LATE) return true;
    logger.error({ seconds: CLOSE_MS_MAX / 1000 }, 'the pool did not close in time');
  } catch (error) {
    logger.error({ err: error }, 'the pool did not close cleanly');
  }
  return false;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
