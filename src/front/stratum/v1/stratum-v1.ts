import type { Containment } from '#base/domain/contain';
import type { Job } from '#base/domain/job';
import type { Wire, WireHandler } from '#base/domain/ports';
import type { SessionRegistry } from '#front/session/workers/registry';
import { Conversation, type SharedByConversations } from './conversation.ts';
import { LastView } from './fast-submit.ts';
import { encodeNotify, type NotifyLine } from './notify.ts';

/** Far from where clients count their own: one that looks at the id before the method would take it for an answer. */
const REQUEST_ID_FIRST = 1_000_000_000;

/** Stratum V1 for the wires of a gateway: begins its conversations, and has what they share. */
export class StratumV1 implements SharedByConversations {
  readonly contain: Containment;
  readonly faults: SharedByConversations['faults'];
  readonly views = new LastView();
  readonly #registry: Pick<SessionRegistry, 'open'>;
  #asked = REQUEST_ID_FIRST;
  /** Of the job that was written last: nearly always everybody is given the same. */
  #line: { readonly job: Job; readonly notify: NotifyLine } | undefined;

  constructor(registry: Pick<SessionRegistry, 'open' | 'counters'>, contain: Containment) {
    this.#registry = registry;
    this.faults = registry.counters.protocolErrors;
    this.contain = contain;
  }

  /** The handler of a new connection; undefined if the pool takes no more of them, or if an unexpected error came in between. */
  accept(wire: Wire): WireHandler | undefined {
    let conversation: Conversation | undefined;
    this.contain.attempt('a new connection', () => {
      conversation = this.#registry.open(wire, (session) => new Conversation(wire, session, this));
    });
    return conversation;
  }

  notify(job: Job): NotifyLine {
    if (this.#line?.job !== job) this.#line = { job, notify: encodeNotify(job) };
    return this.#line.notify;
  }

  nextRequestId(): number {
    this.#asked += 1;
    return this.#asked - 1;
  }
}
