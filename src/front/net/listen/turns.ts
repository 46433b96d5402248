import { limits } from '#base/limits';

/** A connection with messages that wait for a turn. */
export interface Taker {
  /** Handles messages that cost up to `linesMax`, and returns what they cost, in lines. Called only while it waits. */
  takeTurn(linesMax: number): number;
  /** True if more of its messages wait, and nothing but a turn is needed to handle them. */
  readonly waits: boolean;
  /** True if it has accepted shares: it may have more handled in a turn. */
  readonly works: boolean;
}

/** Connections that share their turns: those of one address, or a single connection if no limit holds for its address. */
export class Party {
  /** Those with messages that wait. The first one is next. */
  readonly takers = new Set<Taker>();
  /** What was handled at once, in lines, and messages that were kept, in the turn of this number. */
  spent = 0;
  kept = 0;
  turn = 0;
}

/** Below this, in lines, nothing has to be noted at the end of a turn of the event loop. */
const NOTED_MIN = 256;

/**
 * Divides each turn of the event loop between addresses, and between the connections of an address. The lines of a read are handled
 * at once, up to a share of the turn (`share`, `spend`). The rest waits until all readable sockets were read; then a few lines of
 * one connection of each address are handled in turn. All listeners of a process share one instance.
 */
export class Turns {
  /** The addresses that wait. The first one is next. */
  readonly #parties = new Set<Party>();
  #turn = 0;
  /** Lines handled at once in this turn. Consecutive turns with almost no lines count as one turn. */
  #spent = 0;
  #noted = false;
  readonly #run = (): void => {
    this.#noted = false;
    this.#turn += 1;
    this.#spent = 0;
    this.#takeUp();
    if (this.#parties.size > 0 && !this.#noted) this.#note();
  };

  /** The number of the turn of the event loop. Consecutive turns with almost no lines count as one turn. */
  get turn(): number {
    return this.#turn;
  }

  /** Returns how many lines of a connection may be handled at once; 0 if its address has others that wait. */
  share(party: Party): number {
    if (this.#spent >= limits.linesPerTurnMax || party.takers.size > 0) return 0;
    this.#enter(party);
    return Math.min(limits.linesPerTurnAndConnectionMax, Math.max(0, limits.linesPerTurnAndAddressMax - party.spent));
  }

  /** Counts what was handled at once. On the share path. */
  spend(party: Party, lines: number): void {
    party.spent += lines;
    this.#spent += lines;
    if (this.#spent >= NOTED_MIN && !this.#noted) this.#note();
  }

  /** Counts a message that was not handled at once. Returns how many there are of the address in this turn. */
  keep(party: Party): number {
    this.#enter(party);
    party.kept += 1;
    if (!this.#noted) this.#note();
    return party.kept;
  }

  #enter(party: Party): void {
    if (party.turn === this.#turn) return;
    party.turn = this.#turn;
    party.spent = 0;
    party.kept = 0;
  }

  /** Queues the connection for its turn. Does nothing if it is queued already. */
  wait(party: Party, taker: Taker): void {
    party.takers.add(taker);
    this.#parties.add(party);
    if (!this.#noted) this.#note();
  }

  /** The connection does not wait any more. */
  leave(party: Party, taker: Taker): void {
    party.takers.delete(taker);
    if (party.takers.size === 0) this.#parties.delete(party);
  }

  /** Right after the sockets that are readable now. */
  #note(): void {
    this.#noted = true;
    setImmediate(this.#run);
  }

  #takeUp(): void {
    let left = limits.waitingLinesPerTurnMax;
    while (left > 0) {
      const party = first(this.#parties);
      const taker = party && first(party.takers);
      if (party === undefined || taker === undefined) return;
      this.leave(party, taker);
      const { workerTurnLines, idlerTurnLines } = limits;
      const taken = taker.takeTurn(taker.works ? workerTurnLines : idlerTurnLines);
      left -= Math.max(1, taken);
      // The connection goes to the end of its address's queue, and the address to the end of all addresses.
      if (taker.waits) party.takers.add(taker);
      this.#parties.delete(party);
      if (party.takers.size > 0) this.#parties.add(party);
    }
  }
}

function first<T>(all: Iterable<T>): T | undefined {
  for (const one of all) return one;
  return undefined;
}

/** What a chunk of messages costs, in lines: long ones cost more. */
export function costOf(lines: number, bytes: number): number {
  return lines + Math.trunc(bytes / limits.bytesPerTurnLine);
}
