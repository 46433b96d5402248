import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '#base/config/load';
import { limits } from '#base/limits';

const readme = readFileSync(new URL('../../../src/front/net/README.md', import.meta.url), 'utf8');

describe('the operator’s guide', () => {
  it('names every limit with its default', () => {
    const { limits: given } = loadConfig({ env: {} }).stratum;
    const row = (key: string): string =>
      readme.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${key}\``)) ?? '';
    const defaults: [string, number][] = [
      ['connections', given.connections],
      ['connections-per-subnet', given.connectionsPerSubnet],
      ['connections-per-address', given.connectionsPerAddress],
      ['handshakes-per-second', given.handshakes],
      ['handshakes-per-second-per-subnet', given.handshakesPerSubnet],
      ['handshakes-per-second-per-address', given.handshakesPerAddress],
      ['lines-per-second', given.lines],
      ['submits-per-second', given.submits],
    ];
    for (const [key, value] of defaults) expect(row(key), key).toContain(value.toLocaleString('en'));
    expect(row('bytes-per-second')).toContain(`${given.bytes / 2 ** 20} MiB`);
    expect(row('exempt')).toContain(JSON.stringify(given.exempt).replace(',', ', '));
  });

  it('has the fixed limits right', () => {
    expect(readme).toContain(`${limits.lineBytesMax / 1024} KiB; ${limits.subscribeMsMax / 1000} s to subscribe`);
    expect(readme).toContain(`${limits.authorizeMsMax / 1000} s to authorise; ${limits.sendQueueBytesMax / 1024} KiB`);
    expect(readme).toContain(`more than ${limits.overloadLagMsMax} ms late twice`);
    expect(readme).toContain(`${limits.shedSessionsMax} at a time`);
    expect(readme).toMatch(new RegExp(`nobody innocent is +\\| ${limits.banPoints} points `));
    expect(readme).toContain(
      `${limits.presentBanPoints.toLocaleString('en')} points, those before a login not counted`,
    );
    expect(readme).toContain(
      `shown out at ${limits.probationPoints} points; new connections wait ${limits.slowedMs / 1000} s`,
    );
    expect(readme).toContain(`log in from its address for ${limits.keptOutMs / 1000} s`);
    expect(readme).toContain(
      `have ${limits.idlerMsMin / 1000} s to get a share accepted, and ${limits.strangerMsMin / 1000} s to log in`,
    );
    const [total, ofConnection, ofAddress] = [
      limits.workersPerGatewayMax,
      limits.workersPerSessionMax,
      limits.workersPerAddressMax,
    ].map((count) => count.toLocaleString('en'));
    expect(readme).toContain(
      `takes ${total} workers, ${ofConnection} of one connection and ${ofAddress} of one address`,
    );
    expect(readme).toContain(`counts as ${limits.lookUpLines} lines of traffic`);
    expect(readme).toContain(`may have ${limits.lookUpsPerSecondMax} looked up`);
    expect(readme).toContain(`${limits.lookUpBurst.toLocaleString('en')} at once`);
    const waiting = `${limits.passwordQueueMax.toLocaleString('en')} may wait, and of one address`;
    expect(readme).toContain(`${waiting} ${limits.passwordsPerAddressMax}.`);
    const turn = [limits.linesPerTurnAndConnectionMax, limits.linesPerTurnAndAddressMax, limits.linesPerTurnMax];
    const [connectionLines, addressLines, allLines] = turn.map((count) => count.toLocaleString('en'));
    expect(readme).toContain(
      `most ${connectionLines} lines of a connection, ${addressLines} of an address and ${allLines} of all`,
    );
    const waitingLines = limits.waitingLinesPerTurnMax.toLocaleString('en');
    expect(readme).toContain(`${waitingLines} lines a turn`);
    expect(readme).toContain(
      `${limits.workerTurnLines} of a connection with accepted shares and ${limits.idlerTurnLines}`,
    );
    const mib = limits.waitingBytesMax / 2 ** 20;
    expect(readme).toContain(`If more than ${mib} MiB wait`);
    expect(readme).toContain(`each write counted as ${limits.unsentWriteBytes} bytes more | ${mib} MiB`);
    const [ofSession, terms] = [limits.termsPerSessionMax, limits.termsPerGatewayMax.toLocaleString('en')];
    expect(readme).toMatch(new RegExp(`KB: ${ofSession} .*MB: ${terms}, and ${limits.termsPerSessionFree} of each`));
    const mayComeBack = [limits.resumableSessionsMax, limits.resumablePerAddressMax].map((n) => n.toLocaleString('en'));
    expect(readme).toContain(`MB: ${mayComeBack[0]}, ${mayComeBack[1]} for each address`);
    expect(readme).toContain(`up to ${limits.waitingMessageBytesMax / 1024} KiB of its messages wait`);
    const kept = limits.keptPerTurnAndAddressMax.toLocaleString('en');
    expect(readme).toContain(`If a turn has kept ${kept} messages of an address`);
    expect(readme).toContain(`that have more than ${limits.crowdedMessagesMax}\n`);
    expect(readme).toContain(`A handshake has ${limits.handshakeMsMax / 1000} s`);
  });
});
