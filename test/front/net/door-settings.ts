import type { DoorSettings } from '#front/net/door/door-options';

/** The settings of a door that takes 1,000 connections, with the default rates of traffic. */
export function doorSettings(changes: Partial<DoorSettings['limits']> = {}): DoorSettings {
  return {
    limits: {
      connections: 1000,
      connectionsPerAddress: 1000,
      connectionsPerSubnet: 1000,
      handshakes: 1000,
      handshakesPerAddress: 1000,
      handshakesPerSubnet: 1000,
      lines: 10_000,
      bytes: 4_000_000,
      submits: 6000,
      exempt: [],
      ...changes,
    },
    bans: { enabled: true },
  };
}
