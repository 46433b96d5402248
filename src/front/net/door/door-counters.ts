/** Why connections were not let in, or were shown out; since the start. */
export interface DoorCounters {
  /** Not let in. */
  banned: number;
  limited: number;
  overloaded: number;
  /** Closed: because the address was banned, because of the session's own conduct, because of an overload. */
  evicted: number;
  misbehaved: number;
  shed: number;
  /** Closed without an accepted share, when there was no room for others. */
  idle: number;
  /** Workers that were expelled from a connection, or refused on one, for their conduct. */
  expelled: number;
  /** New connections that had to wait because of their address's conduct. */
  slowed: number;
}

export function newDoorCounters(): DoorCounters {
  return {
    banned: 0,
    limited: 0,
    overloaded: 0,
    evicted: 0,
    misbehaved: 0,
    shed: 0,
    idle: 0,
    expelled: 0,
    slowed: 0,
  };
}
