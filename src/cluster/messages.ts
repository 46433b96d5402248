import type { Network } from '#base/bitcoin/address';
import type { Config } from '#base/config/config';
import type { Job } from '#base/domain/job';
import type { MinerQuery, MinerView } from '#base/domain/miner';
import type { Ban } from '#base/domain/ports';
import type { Solution } from '#base/domain/share';
import type { GatewayTally } from '#base/telemetry/metrics';
import type { CrowdChange } from '#front/net/door/neighbours';
import type { OwnCoinbaseFees } from '#front/session/login/payees';
import type { StratumEndpoints, StratumPorts } from '#gateway/listeners';
import type { GatewayStatus } from '#gateway/status';
import type { ShareLogStatus } from '#shares/sharelog/share-log';

/** The start parameters of a gateway process. */
export interface GatewayStart {
  /** The pool's data folder. */
  readonly folder: string;
  readonly network: Network;
  readonly stratum: Config['stratum'];
  readonly verify: Config['verify'];
  readonly ownCoinbases: OwnCoinbaseFees | undefined;
  readonly sizedCoinbases: boolean;
  readonly logLevel: Config['log']['level'];
  readonly epoch: number;
  readonly incarnation: number;
  /** Which of the data folder's journals is this gateway's. */
  readonly journal: string;
  /** Who reads the share log. */
  readonly consumers: readonly string[];
  /** The `node` column of its shares: the pool's, whichever gateway it is. */
  readonly node: string;
  readonly bans: readonly Ban[];
}

/** From the pool to a gateway. */
export type ToGateway =
  | { readonly type: 'start'; readonly start: GatewayStart }
  /** Without the template's transactions: only the pool makes blocks. `what`: its row, for `kept`. */
  | { readonly type: 'job'; readonly what: string; readonly job: Job }
  /** `ports`: the chosen ports, if the config has port 0. */
  | { readonly type: 'listen'; readonly ports: StratumPorts }
  | { readonly type: 'pause' | 'let-go'; readonly reason: string }
  | { readonly type: 'ban'; readonly ban: Ban }
  | { readonly type: 'pardon'; readonly address: string }
  /** A job that was announced, or all blocks of a `solved`, are on the pool's disk. */
  | { readonly type: 'kept'; readonly what: string }
  /** All batches of its journal up to and including `seq` are with that consumer for good. */
  | { readonly type: 'delivered'; readonly consumer: string; readonly seq: number }
  | { readonly type: 'reload' }
  /** In the other gateways. */
  | { readonly type: 'crowd'; readonly changes: readonly CrowdChange[] }
  | { readonly type: 'miner'; readonly id: number; readonly query: MinerQuery }
  | { readonly type: 'close' };

/** From a gateway to the pool. */
export type FromGateway =
  /** The gateway receives messages from now on; earlier ones are lost. */
  | { readonly type: 'hello' }
  | { readonly type: 'started' }
  | { readonly type: 'listening'; readonly endpoints: StratumEndpoints }
  | { readonly type: 'solved'; readonly what: string; readonly solutions: readonly Solution[] }
  /** A newer job is wanted soon: see GatewayModules. */
  | { readonly type: 'wants-job' }
  | { readonly type: 'misconduct'; readonly address: string; readonly reason: string; readonly brief: boolean }
  | { readonly type: 'crowd'; readonly changes: readonly CrowdChange[] }
  | {
      readonly type: 'report';
      readonly status: GatewayStatus;
      readonly tally: GatewayTally;
      readonly journal: ShareLogStatus;
    }
  | { readonly type: 'miner'; readonly id: number; readonly view: MinerView | undefined }
  | { readonly type: 'failed'; readonly reason: string };
