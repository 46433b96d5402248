import type { Network } from '../bitcoin/address.ts';
import type { Config } from '../config/config.ts';
import type { Job } from '../domain/job.ts';
import type { MinerQuery, MinerView } from '../domain/miner.ts';
import type { Ban } from '../domain/ports.ts';
import type { Solution } from '../domain/share.ts';
import type { StratumEndpoints, StratumPorts } from '../gateway.ts';
import type { GatewayStatus } from '../gateway-status.ts';
import type { CrowdChange } from '../net/neighbours.ts';
import type { ShareLogStatus } from '../sharelog/share-log.ts';
import type { GatewayTally } from '../telemetry/metrics.ts';

/** What a gateway process is started with. */
export interface GatewayStart {
  /** The pool's data folder. */
  readonly folder: string;
  readonly network: Network;
  readonly stratum: Config['stratum'];
  readonly verify: Config['verify'];
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
  /** `ports`: what was chosen where the config leaves a port open. */
  | { readonly type: 'listen'; readonly ports: StratumPorts }
  | { readonly type: 'pause' | 'let-go'; readonly reason: string }
  | { readonly type: 'ban'; readonly ban: Ban }
  | { readonly type: 'pardon'; readonly address: string }
  /** A job that was announced, or a block that was `solved`, is on the pool's disk. */
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
  /** It listens to messages from now on: what was sent before is lost. */
  | { readonly type: 'hello' }
  | { readonly type: 'started' }
  | { readonly type: 'listening'; readonly endpoints: StratumEndpoints }
  | { readonly type: 'solved'; readonly what: string; readonly solution: Solution }
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
