import { type Network, parseAddress } from '#base/bitcoin/address';
import type { AccountConfig, ProfileConfig } from './config.ts';
import type { Complain } from './problem.ts';
import type { Given } from './schema.ts';

type GivenStratum = NonNullable<Given['stratum']>;

/** The authorization of miners. Accounts without `authorization = "accounts"` are an error, and the reverse. */
export function resolveAccounts(
  { authorization, accounts }: GivenStratum,
  network: Network,
  complain: Complain,
): readonly AccountConfig[] {
  if (accounts !== undefined && authorization !== 'accounts') {
    complain('stratum.accounts', accounts, 'is set, but stratum.authorization is not "accounts"');
  }
  if (authorization === 'accounts' && Object.keys(accounts ?? {}).length === 0) {
    complain('stratum.authorization', authorization, 'needs a [stratum.accounts.NAME] for each account');
  }
  return Object.entries(accounts ?? {}).map(([name, { address: text, 'password-hash': passwordHash }]) => {
    const read = parseAddress(text, network);
    if (!read.ok) {
      complain(
        `stratum.accounts.${name}.address`,
        text,
        `must be an address that can be paid on ${network}: ${read.reason}`,
      );
    }
    return { name, passwordHash, address: read.ok ? read.address : text };
  });
}

export function resolveProfiles({ profiles }: GivenStratum): readonly ProfileConfig[] {
  return Object.entries(profiles ?? {}).map(([name, profile]) => ({
    name,
    match: profile.match.map((part) => part.trim().toLowerCase()),
    difficultyMin: profile['difficulty-min'],
    difficultyStart: profile['difficulty-start'],
    cleanOnRaise: profile['clean-on-raise'],
    coinbaseBytesMax: profile['coinbase-bytes'],
    ping: profile.ping,
  }));
}
