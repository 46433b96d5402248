import { limits } from '#base/limits';
import { cleanText } from '#base/std/text';
import { suggestedDifficulty } from './difficulty.ts';
import { hexU32 } from './hex.ts';
import type { Extension, Request } from './message.ts';
import type { RequestId } from './request-id.ts';

/** `mining.configure` (BIP310): [[extension name…], {"extension.option": value…}]; returns a string that describes the error. */
export function decodeConfigure(id: RequestId, [names, options]: readonly unknown[]): Request | string {
  const asked = names ?? [];
  if (!Array.isArray(asked) || asked.length > limits.configureExtensionsMax) return 'a list of extensions is expected';
  const extensions: Extension[] = [];
  for (const name of new Set<unknown>(asked)) {
    if (typeof name !== 'string') return 'an extension name is expected';
    extensions.push(decodeExtension(name, options));
  }
  return { kind: 'configure', id, extensions };
}

function decodeExtension(name: string, options: unknown): Extension {
  switch (name) {
    case 'version-rolling': {
      // BIP310: a miner that names no mask can roll any bit.
      const mask = hexU32(option(options, 'version-rolling.mask') ?? 'ffffffff');
      return mask === undefined ? faulty(name, 'version-rolling.mask is not 8 hex digits') : { kind: name, mask };
    }
    case 'minimum-difficulty': {
      const difficulty = suggestedDifficulty(option(options, 'minimum-difficulty.value'));
      return difficulty === undefined
        ? faulty(name, 'minimum-difficulty.value is not a positive number')
        : { kind: name, difficulty };
    }
    case 'subscribe-extranonce':
    case 'info':
      return { kind: name };
    default:
      return { kind: 'unsupported', name: cleanText(name, limits.userAgentCharsMax) };
  }
}

/** BIP310: an error in one extension is reported for that extension only; the others are granted. */
function faulty(name: string, fault: string): Extension {
  return { kind: 'faulty', name, fault };
}

/** An own member of the client's object: none that it inherits. */
function option(options: unknown, key: string): unknown {
  if (typeof options !== 'object' || options === null || !Object.hasOwn(options, key)) return undefined;
  return (options as Readonly<Record<string, unknown>>)[key];
}
