import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assertLimits, limits as l } from '#base/limits';

type Limits = Partial<Record<keyof typeof l, number>>;

/** Each relation, and limits just beyond it. */
const broken: readonly (readonly [relation: string, change: Limits])[] = [
  ['workersPerSessionMax <= workersPerAddressMax', { workersPerSessionMax: l.workersPerAddressMax + 1 }],
  ['no address takes more than an eighth of the workers', { workersPerGatewayMax: l.workersPerAddressMax * 8 - 1 }],
  ['kernelBatchMax <= sharesInFlightMax', { kernelBatchMax: l.sharesInFlightMax + 1 }],
  ['a notify fits the send queue', { coinbaseBytesMax: l.sendQueueBytesMax / 2 }],
  ['names fit a line', { userAgentCharsMax: l.lineBytesMax - l.workerNameCharsMax }],
  ['a request id fits a line', { requestIdCharsMax: l.lineBytesMax }],
  ['no address takes more than an eighth of the queue', { passwordsPerAddressMax: l.passwordQueueMax / 8 + 1 }],
  [
    'no address takes more than an eighth of who may come back',
    { resumablePerAddressMax: l.resumableSessionsMax / 8 + 1 },
  ],
  ['what waits to be checked fits what is remembered', { passwordMistakesMax: l.passwordQueueMax - 1 }],
  ['a line can wait for the one before it', { heldBytesMax: l.lineBytesMax - 1 }],
  ['a client is pinged before it counts as gone', { idleMsMax: l.pingAfterMs * (l.pingsMax + 1) - 1 }],
  ['the blocks of a whole burial can be followed, if all are ours', { blocksFollowedMax: l.burialDepth - 1 }],
  ['blocksInFlightMax <= sharesInFlightMax', { blocksInFlightMax: l.sharesInFlightMax + 1 }],
  ['kernelBatchMax <= sharesPerTurnMax', { sharesPerTurnMax: l.kernelBatchMax - 1 }],
  ['a block has two spare descriptors, whatever the work has taken', { descriptorsSpare: 3 }],
  ['the reason of a close fits a line', { closingCharsMax: l.lineBytesMax / 6 }],
  ['termsPerSessionFree <= termsPerSessionMax', { termsPerSessionFree: l.termsPerSessionMax + 1 }],
  ['no few sessions take all that may be promised', { termsPerGatewayMax: l.termsPerSessionMax * 1024 - 1 }],
  ['a farm may send what vardiff aims at, and by luck twice that', { farmSharesPerSecondMax: l.submitsPerSecondMax }],
  ['a connection gets no more than its address', { linesPerTurnAndConnectionMax: l.linesPerTurnAndAddressMax + 1 }],
  ['no address takes more than a quarter of a turn', { linesPerTurnMax: l.linesPerTurnAndAddressMax * 4 - 1 }],
  ['what is reconciled is above the checkpoint', { checkpointDepth: l.reconcileDepth - 1 }],
  ['whoever works gets as much of a turn as whoever is idle', { idlerTurnLines: l.workerTurnLines + 1 }],
  ['the shares of the lines of a turn are hashed in it', { sharesPerTurnMax: l.linesPerTurnMax }],
  ['several connections are taken up in a turn', { waitingLinesPerTurnMax: l.workerTurnLines * 4 - 1 }],
  ['a message can wait for its turn', { waitingMessageBytesMax: l.lineBytesMax + l.waitingMessageBytes - 1 }],
  ['what a turn handles of an address can also wait', { keptPerTurnAndAddressMax: l.linesPerTurnAndAddressMax - 1 }],
  ['no slow reader takes more than a small part of what may wait', { waitingBytesMax: l.sendQueueBytesMax * 64 - 1 }],
  ['every open job can have a difficulty of its own', { jobsMax: l.termsPerSessionMax + 1 }],
  ['sharesInFlightMax <= seenPerTipMax', { seenPerTipMax: l.sharesInFlightMax - 1 }],
  ['a batch and the row that overflowed it fit a segment', { logSegmentBytes: l.logBatchBytesMax * 2 - 1 }],
  ['a log that is cut is cut by segments', { logKeptBytesMax: l.logSegmentBytes * 2 - 1 }],
  ['a batch of the log fits a shipment', { shipmentRowsMax: l.logBatchRowsMax - 1 }],
  ['a batch and the row that overflowed it fit a shipment', { shipmentBytesMax: l.logBatchBytesMax * 2 - 1 }],
  ['a batch of the log fits a transaction of the ledger', { ledgerTakeRowsMax: l.logBatchRowsMax - 1 }],
  ["a payout's transaction has room for inputs beside its outputs", { payoutOutputsWeightMax: l.payoutWeightMax }],
  ['an account with its prefix is a name in the ledger', { ledgerTextCharsMax: l.workerNameCharsMax + 15 }],
  ['connectionsPerAddressMax <= connectionsPerSubnetMax', { connectionsPerAddressMax: l.connectionsPerSubnetMax + 1 }],
  ['connectionsPerSubnetMax <= connectionsMax', { connectionsPerSubnetMax: l.connectionsMax + 1 }],
  ['handshakesPerAddressMax <= handshakesPerSubnetMax', { handshakesPerAddressMax: l.handshakesPerSubnetMax + 1 }],
  ['handshakesPerSubnetMax <= handshakesPerSecondMax', { handshakesPerSubnetMax: l.handshakesPerSecondMax + 1 }],
  ['a handshake ends before the time to subscribe does', { handshakeMsMax: l.subscribeMsMax + 1 }],
  ['a connection is held before its look-ups are refused', { lookUpLines: 0 }],
  ['adminGuessesPerSecond <= adminGuessBurst', { adminGuessesPerSecond: l.adminGuessBurst + 1 }],
  ['a submit is a line', { submitsPerSecondMax: l.linesPerSecondMax + 1 }],
  ['a mining.configure fits the commas of a message', { configureExtensionsMax: l.jsonCommasMax + 1 }],
  ['a modest connection is below its limit', { modestLinesPerSecond: l.linesPerSecondMax }],
  ['probationPoints < banPoints', { probationPoints: l.banPoints }],
  ['banPoints < presentBanPoints', { presentBanPoints: l.banPoints }],
  ['a coinbase that pays accounts is no longer than any may be', { directCoinbaseBytes: l.coinbaseBytesMax + 1 }],
  ['a slowed connection has time for its handshake', { slowedMs: l.handshakeMsMax }],
  ['a line fits the bytes of a second', { bytesPerSecondMax: l.lineBytesMax - 1 }],
  ['strangers have HTTP connections', { httpConnectionsReserved: l.httpConnectionsMax }],
  ['no address takes more than an eighth of HTTP', { httpConnectionsPerAddressMax: l.httpConnectionsMax / 8 + 1 }],
  [
    'an address may ask for pages of workers',
    { httpWorkersPageCost: l.httpRequestsPerAddressMax * l.httpBurstSeconds },
  ],
  ['a connection outlives the wait for history', { historyMsMax: l.httpIdleMsMax }],
  ['what SQL holds back is less than may be unsent', { httpUnsentBytesMax: l.sqlQueriesMax * l.sqlHeldBytesMax - 1 }],
  ['a connection outlives the wait for its answer', { poolAnswerMsMax: l.httpIdleMsMax }],
  ['easySharesPerSessionMax <= easySharesPerAddressMax', { easySharesPerSessionMax: l.easySharesPerAddressMax + 1 }],
  [
    'no address takes more than an eighth of easy shares',
    { easySharesPerGatewayMax: l.easySharesPerAddressMax * 8 - 1 },
  ],
];

describe('assertLimits', () => {
  it('takes the limits as they are', () => {
    expect(() => assertLimits()).not.toThrow();
  });

  it.each(broken)('refuses limits for which this does not hold: %s', (relation, change) => {
    expect(() => assertLimits({ ...l, ...change })).toThrow(`limits: ${relation} does not hold`);
  });

  it('has each of its relations in this table', () => {
    const source = readFileSync('src/base/limits.ts', 'utf8');
    expect(broken).toHaveLength(source.match(/\bmust\(/g)?.length ?? 0);
  });
});
