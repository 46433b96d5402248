import { resolve } from 'node:path';
import type { Config } from '#base/config/config';
import type { Clock, Logger, LogHold } from '#base/domain/ports';
import type { Metrics } from '#base/telemetry/metrics';
import { withSocketPath } from '#shares/sharelog/journal/socket-path';
import { answerAdmin } from '#show/api/admin';
import { ADMIN_SOCKET_FILE, AdminSocket } from '#show/api/admin-socket';
import { digestOf, TokenGuard } from '#show/api/admin-token';
import { type Api, startApi } from '#show/api/api';
import type { PoolBans } from './bans.ts';
import type { PoolHashrate } from './hashrate.ts';
import { payTerms } from './pay-terms.ts';
import { createJobReport, healthReport } from './reports.ts';
import type { Running } from './running.ts';
import { createFindMiner, createStatus, noted, type PoolParts, refreshGauges, unready } from './view.ts';

export interface HttpModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
  readonly parts: PoolParts;
  readonly metrics: Metrics;
  readonly hashrate: PoolHashrate;
  readonly bans: PoolBans;
  readonly logHold: LogHold;
}

/** Starts what shows the pool: HTTP, and the socket for the operator of this machine. Both close with the pool. */
export async function openHttp(config: Config, modules: HttpModules, running: Running): Promise<Api> {
  const { clock, logger, parts, metrics, hashrate, bans, logHold } = modules;
  const { adminToken, sqlToken, listen, origins } = config.http;
  const { network } = config;
  const { allow, deny } = config.stratum.bans;
  const guard = adminToken === undefined ? undefined : new TokenGuard(digestOf(adminToken), () => clock.monotonicMs());
  const api = await startApi(
    {
      ...{ ...listen, allow, deny, origins, network },
      folder: resolve(config.data),
      openNames: config.stratum.authorization === 'open',
      terms: payTerms(config),
      sqlTokenDigest: sqlToken && digestOf(sqlToken).toString('hex'),
    },
    {
      logger,
      bans: () => bans.list(),
      pool: createStatus(config, modules, parts, metrics, hashrate),
      miner: createFindMiner(config, parts.gateway, logger),
      ready: () => ({ reasons: unready(parts), notes: noted(parts) }),
      metrics: () => metrics.text(),
      job: createJobReport(parts.jobs),
      health: () => healthReport(parts),
      admin: (request) => answerAdmin(request, { bans }, guard),
    },
  );
  running.onClose('HTTP', () => api.close());
  metrics.onScrape(() => {
    refreshGauges(parts, metrics, clock);
    metrics.gauges.bans = bans.list().length;
    const http = api.counts();
    metrics.take({ http });
    metrics.queues.http = http.waiting;
  });
  bans.tell(api);
  const adminSocket = new AdminSocket({ bans, log: logHold });
  await withSocketPath(config.data, ADMIN_SOCKET_FILE, (path) => adminSocket.listen(path));
  running.onClose('the admin socket', () => adminSocket.close());
  return api;
}
