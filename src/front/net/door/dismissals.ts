import type { Ban } from '#base/domain/ports';
import { limits } from '#base/limits';
import type { Misconduct } from './conduct.ts';

/** Misconduct in words that operators and miners read. */
export const misconducts: Readonly<Record<Misconduct, string>> = {
  shares: 'bad shares',
  junk: 'lines that are no message',
  foreign: 'another protocol',
  overlong: 'overlong lines',
  'bad-handshake': 'failed handshakes',
  'hung-up': 'unfinished handshakes',
  silent: 'silent connections',
  empty: 'empty connections',
  cut: 'cut logins',
  'slow-reader': 'does not read',
  'bad-login': 'wrong names or passwords',
};

/** Why the door or the transport closes a connection: the text that a miner's display shows. */
export const dismissals = {
  overlong: `A line was longer than ${limits.lineBytesMax} bytes`,
  tooFast: 'More was sent than the limits allow, please connect again later',
  overloaded: 'The pool is overloaded: connections without accepted shares are closed',
  noRoom: 'The pool is full: connections without accepted shares make room for others',
  conduct: (misconduct: Misconduct): string =>
    `This connection is closed because of its conduct: ${misconducts[misconduct]}`,
  /** An operator's text about a ban is not sent to clients. */
  banned({ untilMs, reason }: Pick<Ban, 'untilMs' | 'reason'>): string {
    const until = `This address is banned until ${new Date(untilMs).toISOString().slice(0, 19)}Z`;
    return Object.values(misconducts).includes(reason) ? `${until}: ${reason}` : until;
  },
} as const;
