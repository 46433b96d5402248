import { limits } from '#base/limits';

/** Why a session closes its connection: the text that a miner's display shows. */
export const closings = {
  unsubscribed: `No mining.subscribe came within ${limits.subscribeMsMax / 1000} s`,
  unauthorized: `No worker logged in within ${limits.authorizeMsMax / 1000} s`,
  silent: 'The pool has heard nothing of this miner for too long',
  held: 'Too many messages were sent while a password was being checked',
  junk: `${limits.unparsableLinesMax} lines were no Stratum message`,
  idle: 'The pool is full: sessions without accepted shares make room for others',
  taken: 'Another connection has taken this session over',
  failed: 'An error in the pool ends this connection, please connect again',
} as const;
