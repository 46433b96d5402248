import type { Config } from '#base/config/config';
import { clickhouseHref } from '#base/config/href';
import { jobSerial } from '#base/domain/ids';
import type { Clock, Logger, SpareDescriptors } from '#base/domain/ports';
import { ANALYTICS_CONSUMER, type Analytics, analyticsAvailable, startAnalytics } from '#books/analytics/analytics';
import { LEDGER_CONSUMER, type Ledger, startLedger } from '#books/ledger/ledger';
import type { OfferedPort } from '#books/ledger/questions';
import type { PinnedWindow } from '#books/ledger/window-part';
import { Deliveries } from '#shares/sharelog/consumers/deliveries';
import { gatewayJournal, POOL_JOURNAL } from '#shares/sharelog/journal/journals';
import { type Orphans, openOrphans } from '#shares/sharelog/journal/orphans';
import { openShareLog, type ShareLog } from '#shares/sharelog/log';
import { payoutOptions } from './payout-rules.ts';
import { blocksOptions } from './payout-terms.ts';
import type { Running } from './running.ts';

/** The share log with its consumers. */
export interface OpenedLog {
  /** The pool's own journal; with one gateway, that one's too. */
  readonly log: ShareLog;
  readonly analytics: Analytics;
  readonly ledger: Ledger;
  /** The progress of the consumers, for the writers of other journals. */
  readonly deliveries: Deliveries;
  /** How each gateway has to open its journal. */
  readonly journals: { readonly folder: string; readonly node: string; readonly consumers: readonly string[] };
  /** The journals that former gateways have left. */
  readonly orphans: Orphans;
}

export interface LogModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly spare: SpareDescriptors;
  readonly committed: (ms: number) => void;
  /** Told of the newest window of sealed slices. */
  readonly window: (window: PinnedWindow) => void;
  /** What the ledger may ask the pool; entries may come later. */
  readonly ports: ReadonlyMap<string, OfferedPort>;
}

/** Opens the log of a pool of so many gateways. */
export async function openLog(
  config: Config,
  gateways: number,
  modules: LogModules,
  running: Running,
): Promise<OpenedLog> {
  const { clock, logger, ports, window } = modules;
  const url = config.clickhouse && clickhouseHref(config.clickhouse);
  const consumers = analyticsAvailable(url) ? [LEDGER_CONSUMER, ANALYTICS_CONSUMER] : [LEDGER_CONSUMER];
  const log = await openShareLog({ folder: config.data, node: config.name, consumers }, modules);
  const journals = { folder: config.data, node: log.node, consumers };
  running.onClose('the share log', () => log.close());
  const deliveries = new Deliveries();
  deliveries.listen(POOL_JOURNAL, (consumer, seq) => log.confirm(consumer, seq));
  const others = Array.from({ length: gateways > 1 ? gateways : 0 }, (_, slot) => gatewayJournal(slot));
  const orphans = await openOrphans({ ...journals, owned: [POOL_JOURNAL, ...others] }, { clock, logger, deliveries });
  running.onClose('the journals of former gateways', () => orphans.close());
  const consuming: { close(msMax: number): Promise<void> }[] = [];
  running.onClose('the ledger and the analytics', async (msMax) => {
    await Promise.all(consuming.map((consumer) => consumer.close(msMax)));
  });
  const ledger = await startLedger(
    {
      folder: config.data,
      network: config.network,
      orphans: orphans.ends,
      blocks: blocksOptions(config),
      firstSerial: jobSerial(log.epoch, 0),
      payouts: payoutOptions(config),
    },
    { logger, ports, window, delivered: (journal, seq) => deliveries.delivered(LEDGER_CONSUMER, journal, seq) },
  );
  consuming.push(ledger);
  const analytics = await startAnalytics(
    { folder: config.data, name: config.name, ...(url !== undefined && { url }) },
    { logger, delivered: (journal, seq) => deliveries.delivered(ANALYTICS_CONSUMER, journal, seq) },
  );
  consuming.push(analytics);
  return { log, analytics, ledger, deliveries, journals, orphans };
}
