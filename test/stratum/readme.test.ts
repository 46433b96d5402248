import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rejects } from '../../src/domain/verdict.ts';
import { limits } from '../../src/limits.ts';
import { methods } from '../../src/stratum/decode.ts';

// Tables are padded by the formatter.
const readme = readFileSync(new URL('../../src/stratum/README.md', import.meta.url), 'utf8').replace(/ +/g, ' ');

describe('the protocol’s description', () => {
  it.each(methods)('describes %s', (method) => {
    expect(readme).toContain(`\`${method}\``);
  });

  it.each(Object.entries(rejects))('gives the code and text of %s', (reason, { code, text }) => {
    expect(readme).toContain(`| ${code} | ${text} | \`${reason}\``);
  });

  it.each([
    `a line or frame | ${limits.lineBytesMax / 1024} KiB`,
    `nesting of a message | ${limits.jsonDepthMax}`,
    `an id | ${limits.requestIdCharsMax} characters`,
    `no JSON-RPC request | ${limits.unparsableLinesMax} per connection`,
    `workers of a connection | ${limits.workersPerSessionMax}`,
    `time to subscribe | ${limits.subscribeMsMax / 1000} s`,
    `time to authorise a first worker | ${limits.authorizeMsMax / 1000} s`,
    `unsent bytes | ${limits.sendQueueBytesMax / 1024} KiB`,
    `cut at ${limits.workerNameCharsMax} characters`,
  ])('is up to date: %s', (row) => {
    expect(readme).toContain(row);
  });
});
