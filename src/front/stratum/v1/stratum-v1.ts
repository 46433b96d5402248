import type { Containment } from '#base/domain/contain';
import type { Job } from '#base/domain/job';
import type { Wire, WireHandler } from '#base/domain/ports';
import type { SessionRegistry } from '#front/session/workers/registry';
import { Conversation, type SharedByConversations } from './conversation.ts';
import { LastView } from './fast-submit.ts';
import { encodeNotify, type NotifyLine } from './notify.ts';

/** Far from the ids of clients, because a client that checks the id before the method would take the request for a reply. */
const REQUEST_ID_FIRST = 1_000_000_000;

/** Stratum V1 for the wires of a gateway: starts the conversations, and holds their shared state. */
export class StratumV1 implements SharedByConversations {
  readonly contain: Containment;
  readonly faults: SharedByConversations['faults'];
  readonly views = new LastView();
  readonly #registry: Pick<SessionRegistry, 'open'>;
  #asked = REQUEST_ID_FIRST;
  /** The notify line of the last job, because nearly all sessions get the same line. */
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
