import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { limits } from '#base/limits';
import { builtInProfiles } from '#front/session/profiles';
import { methods } from '#front/stratum/v1/decode';
import {
  encodeGetVersion,
  encodePing,
  encodeReconnect,
  encodeSetDifficulty,
  encodeSetExtranonce,
  encodeSetVersionMask,
  encodeShowMessage,
} from '#front/stratum/v1/encode';
import { errorWords } from '#front/stratum/v1/errors';
import { NTIME_AHEAD_MAX_S } from '#shares/verify/precheck';

// Tables are padded by the formatter.
const readme = readFileSync(new URL('../../../../src/front/stratum/v1/README.md', import.meta.url), 'utf8').replace(
  / +/g,
  ' ',
);

describe('the protocol’s description', () => {
  it.each(methods)('describes %s', (method) => {
    expect(readme).toContain(`\`${method}\``);
  });

  it.each(builtInProfiles)('describes the profile $name', ({ name, match }) => {
    const row = readme.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? '';
    for (const part of match) expect(row).toContain(part);
  });

  it.each([
    encodeSetDifficulty(1),
    encodeSetVersionMask(1),
    encodeSetExtranonce('00000001'),
    encodePing(1),
    encodeGetVersion(1),
    encodeShowMessage(''),
    encodeReconnect(1),
  ])('describes what the pool sends: %s', (text) => {
    expect(readme).toContain(`| \`${(JSON.parse(text) as { method: string }).method}\` |`);
  });

  it.each(Object.entries(errorWords))('gives the code and text of %s', (reason, { code, text }) => {
    expect(readme).toContain(`| ${code} | ${text} | \`${reason}\``);
  });

  it.each([
    `a line or frame | ${limits.lineBytesMax / 1024} KiB`,
    `nesting of a message | ${limits.jsonDepthMax}`,
    `an id | ${limits.requestIdCharsMax} characters`,
    `no JSON-RPC request | ${limits.unparsableLinesMax} per connection`,
    `workers of a connection | ${limits.workersPerSessionMax}`,
    `workers of an address, of a gateway | ${limits.workersPerAddressMax}, ${limits.workersPerGatewayMax}`,
    `new names of a host | ${limits.lookUpsPerSecondMax} per s`,
    `time to subscribe | ${limits.subscribeMsMax / 1000} s`,
    `time to authorise a first worker | ${limits.authorizeMsMax / 1000} s`,
    `unsent bytes | ${limits.sendQueueBytesMax / 1024} KiB`,
    `cut at ${limits.workerNameCharsMax} characters`,
    `extensions of one \`mining.configure\` | ${limits.configureExtensionsMax}`,
    `silence | ${limits.idleMsMax / 60_000} min`,
    `while a password is checked | ${limits.heldBytesMax / 1024} KiB`,
    `jobs that can be answered | ${limits.jobsMax}`,
    `come back with a session id | ${limits.resumeMsMax / 60_000} min`,
    `after ${limits.pingAfterMs / 1000} s of silence`,
    `after ${limits.pingsMax} without an answer`,
    `to ${NTIME_AHEAD_MAX_S} s after`,
  ])('is up to date: %s', (row) => {
    expect(readme).toContain(row);
  });
});
