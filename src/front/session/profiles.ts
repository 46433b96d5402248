import { limits } from '#base/limits';

/**
 * Differences of a kind of device, by its user agent. Operators may change and extend the table in the config. Tolerance that suits
 * every device needs no entry: a nonce may lack leading zeros on any device.
 */
export interface DeviceProfile {
  readonly name: string;
  /** Parts of a user agent, in lower case; `^` in front of one says that the agent begins with it. */
  readonly match: readonly string[];
  /** The least difficulty for it; undefined: the pool's own. */
  readonly difficultyMin?: number | undefined;
  /** Start difficulty; undefined: the pool's. */
  readonly difficultyStart?: number | undefined;
  /** It would go on with the easier job after a raise, and count its shares as rejected: raises come with clean jobs. */
  readonly cleanOnRaise?: boolean | undefined;
  /** The longest coinbase (without witness) that it takes, bytes. */
  readonly coinbaseBytesMax?: number | undefined;
  /** It answers `mining.ping`, so a silent device is disconnected. */
  readonly ping?: boolean | undefined;
}

/** A session's, with nothing left open. */
export interface KnownProfile extends DeviceProfile {
  readonly cleanOnRaise: boolean;
  readonly coinbaseBytesMax: number;
  readonly ping: boolean;
}

/** In order: the first that matches counts. Sources: the clients' own code and documents, and rental markets' rules. */
export const builtInProfiles: readonly DeviceProfile[] = [
  // The market refuses pools that give less; its proxies take 500 bytes of coinbase.
  { name: 'nicehash', match: ['^nicehash/'], difficultyMin: 524_288, coinbaseBytesMax: 500 },
  // An ESP32 does 80 to 400 kH/s: a share in 5 s at difficulty 0.0001. It has room for 511 hex digits of coinbase. Its name gets it
  // what any device gets that asks for so little (difficulty.ts), a moment earlier.
  {
    name: 'nerdminer',
    match: ['nerdminer', 'nmminer', 'leafminer', 'han_solominer'],
    difficultyMin: limits.weakDifficultyMin,
    difficultyStart: 1.5e-4,
    coinbaseBytesMax: 255,
  },
  // Recent firmware of these may truncate longer coinbases.
  { name: 'esp-miner', match: ['axe', '/bm13', 'esp-miner'], coinbaseBytesMax: 384 },
  { name: 'antminer', match: ['antminer', 'bmminer'], cleanOnRaise: true, coinbaseBytesMax: 750 },
  { name: 'cgminer', match: ['cgminer', 'sgminer'], ping: true },
];

const ANY_COINBASE = Number.POSITIVE_INFINITY;

/** Everybody else. */
const ordinary: KnownProfile = {
  name: 'other',
  match: [],
  cleanOnRaise: false,
  coinbaseBytesMax: ANY_COINBASE,
  ping: false,
};

/** Finds the profile of a user agent. */
export type ProfileOf = (userAgent: string) => KnownProfile;

/**
 * The operator's profiles come first. A profile with the name of a built-in one overrides only the members that it sets. If the
 * operator's own minimum is above 1, no built-in profile goes below it.
 */
export function deviceProfiles(own: readonly DeviceProfile[], poolMin: number): ProfileOf {
  const changed = own.map((profile) => ({
    ...builtInProfiles.find(({ name }) => name === profile.name),
    ...given(profile),
  }));
  const rest = builtInProfiles
    .filter(({ name }) => !own.some((profile) => profile.name === name))
    .map((profile) => withinPool(profile, poolMin));
  const table = [...changed, ...rest].map(known);
  return (userAgent) => {
    const agent = userAgent.toLowerCase();
    return table.find(({ match }) => match.some((part) => isIn(agent, part))) ?? ordinary;
  };
}

function isIn(agent: string, part: string): boolean {
  return part.startsWith('^') ? agent.startsWith(part.slice(1)) : agent.includes(part);
}

/** A profile without the members that say nothing, so that it changes only what it names. */
function given(profile: DeviceProfile): DeviceProfile {
  const members = Object.entries(profile).filter(([, value]) => value !== undefined);
  return Object.fromEntries(members) as unknown as DeviceProfile;
}

function known(profile: DeviceProfile): KnownProfile {
  return {
    ...profile,
    cleanOnRaise: profile.cleanOnRaise ?? ordinary.cleanOnRaise,
    coinbaseBytesMax: profile.coinbaseBytesMax ?? ordinary.coinbaseBytesMax,
    ping: profile.ping ?? ordinary.ping,
  };
}

function withinPool(profile: DeviceProfile, poolMin: number): DeviceProfile {
  const { difficultyMin, difficultyStart } = profile;
  if (difficultyMin === undefined || poolMin <= 1 || difficultyMin >= poolMin) return profile;
  return {
    ...profile,
    difficultyMin: undefined,
    difficultyStart: difficultyStart && Math.max(difficultyStart, poolMin),
  };
}
