import type { Difficulty } from '#base/domain/difficulty';
import { u32Hex } from './hex.ts';
import type { Extension } from './message.ts';

/** What mining.configure comes to. */
export interface Negotiated {
  /** The version bits that both sides agree on; undefined if they were not asked about. */
  readonly versionMask: number | undefined;
  /** The least difficulty that the miner wants; undefined if it does not say. */
  readonly minimumDifficulty: Difficulty | undefined;
  /** The reply: every extension asked for is answered. */
  readonly answers: ReadonlyMap<string, boolean | string>;
}

/** BIP310, with the version bits that the pool allows (u32). */
export function negotiate(extensions: readonly Extension[], allowedMask: number): Negotiated {
  let versionMask: number | undefined;
  let minimumDifficulty: Difficulty | undefined;
  const answers = new Map<string, boolean | string>();
  for (const extension of extensions) {
    switch (extension.kind) {
      case 'version-rolling':
        versionMask = (extension.mask & allowedMask) >>> 0;
        answers.set(extension.kind, versionMask !== 0);
        if (versionMask !== 0) answers.set('version-rolling.mask', u32Hex(versionMask));
        break;
      case 'minimum-difficulty':
        minimumDifficulty = extension.difficulty;
        answers.set(extension.kind, true);
        break;
      case 'subscribe-extranonce':
      case 'info':
        answers.set(extension.kind, true);
        break;
      case 'unsupported':
        answers.set(extension.name, false);
        break;
      case 'faulty':
        answers.set(extension.name, extension.fault);
    }
  }
  return { versionMask, minimumDifficulty, answers };
}
