import { readFileSync } from 'node:fs';

/** The version in package.json, which lies as far above src/cli/ as above dist/cli/. */
export const version: string = (() => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const read: unknown = JSON.parse(text);
  if (typeof read === 'object' && read !== null && 'version' in read && typeof read.version === 'string')
    return read.version;
  throw new Error('package.json has no version');
})();
