import { encodeError, encodePong, encodeTrue } from './encode.ts';
import { OTHER } from './errors.ts';
import type { Request } from './message.ts';

/** Requests whose answer depends on nothing. */
export type PlainRequest = Request & { kind: 'ping' | 'transactions' | 'acknowledge' };

/** The answer; undefined for advice that came as a notification. */
export function plainReply({ kind, id }: PlainRequest): string | undefined {
  switch (kind) {
    case 'ping':
      return encodePong(id);
    case 'transactions':
      // An error and no empty list, because BFGMiner checks the list against the merkle branch.
      return encodeError(id, OTHER, 'Transactions are not sent to miners');
    case 'acknowledge':
      return id === null ? undefined : encodeTrue(id);
  }
}
