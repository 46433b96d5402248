import { encodeNoTransactions, encodePong, encodeTrue } from '../stratum/encode.ts';
import type { Request } from '../stratum/message.ts';

/** Requests whose answer depends on nothing. */
export type PlainRequest = Request & { kind: 'extranonce-subscribe' | 'ping' | 'transactions' | 'acknowledge' };

/** The answer; undefined for advice that came as a notification. */
export function plainReply({ kind, id }: PlainRequest): string | undefined {
  switch (kind) {
    case 'extranonce-subscribe':
      // The extranonce stays as it is for the life of the connection, so there is nothing to be told later.
      return encodeTrue(id);
    case 'ping':
      return encodePong(id);
    case 'transactions':
      return encodeNoTransactions(id);
    case 'acknowledge':
      return id === null ? undefined : encodeTrue(id);
  }
}
