import { Transaction } from 'bitcoinjs-lib';
import { describe, expect, it } from 'vitest';
import { concatBytes, toHex } from '#base/bitcoin/bytes';
import { foldBranch, merkleBranch, merkleRoot } from '#base/bitcoin/merkle';
import { targetOfBits, targetToBytes } from '#base/bitcoin/target';
import { EPOCHS_MAX, JOBS_PER_EPOCH } from '#base/domain/ids';
import { EXTRANONCE1_BYTES, EXTRANONCE2_BYTES, VARIANT_BYTES } from '#base/domain/job';
import { parseJobRef } from '#front/stratum/v1/job-id';
import { createJobFactory, type JobFactory } from '#work/jobs/factory';
import { hashOf, ManualClock, templateOn } from './fixtures.ts';

const payoutScript = Uint8Array.from([0, 20, ...new Uint8Array(20).fill(0x11)]);

const ours = new Uint8Array(6).fill(0x77);

function factory(epoch = 3, clock = new ManualClock(), identity = ours, jobsPerEpoch?: number): JobFactory {
  return createJobFactory(
    { epoch, bootId: '0123456789abcdef', identity, payoutScript, tag: '/Sluice/', jobsPerEpoch },
    { clock, nextEpoch: () => epoch + 4, merkleBranch },
  );
}

describe('createJobFactory', () => {
  it('makes a job whose coinbase, branch and target are those of the template', () => {
    const template = templateOn(1, 5);
    const job = factory().build(template);
    const coinbase = concatBytes([
      job.coinb1,
      new Uint8Array(VARIANT_BYTES + EXTRANONCE1_BYTES + EXTRANONCE2_BYTES),
      job.coinb2,
    ]);
    const transaction = Transaction.fromBuffer(coinbase);
    expect(transaction.outs.map((out) => out.value)).toEqual([5_000_000_000n, 0n]);
    const leaf = transaction.getHash();
    const root = merkleRoot([leaf, ...template.transactions.map((other) => other.txid)]);
    expect(foldBranch(leaf, job.merkleBranch)).toEqual(root);
    expect(job.networkTarget).toEqual(targetToBytes(targetOfBits(template.bits) ?? 0n));
    expect(job.networkDifficulty).toBeCloseTo(4.6565e-10, 14);
    expect(job).toMatchObject({
      height: 101,
      version: 0x2000_0000,
      previousHash: hashOf(1),
      minTime: 1_699_999_000,
      curTime: 1_700_000_000,
      rewardSats: 5_000_000_000n,
      createdMs: 1_700_000_000_000,
      template,
    });
  });

  it('numbers jobs through, under ids that the wire can carry', () => {
    const jobs = factory(3);
    const serials = [jobs.build(templateOn(1)), jobs.build(templateOn(1))].map((job) => {
      expect(parseJobRef(job.id)).toEqual({ serial: job.serial, variant: 0 });
      return job.serial;
    });
    expect(serials).toEqual([3 * JOBS_PER_EPOCH, 3 * JOBS_PER_EPOCH + 1]);
    expect(factory(4).build(templateOn(1)).serial).toBeGreaterThan(serials[1] ?? Number.POSITIVE_INFINITY);
  });

  it('makes another coinbase for each job and at each start, even from the same template', () => {
    const [one, other] = [factory(1), factory(2)];
    const made = [one, one, other].map((jobs) => jobs.build(templateOn(1)).coinb1);
    expect(new Set(made.map(toHex)).size).toBe(3);
  });

  it('makes another coinbase in each pool, from the same template and epoch', () => {
    const made = [1, 2].map((pool) => factory(1, new ManualClock(), new Uint8Array(6).fill(pool)).build(templateOn(1)));
    expect(toHex(made[0]?.coinb1 ?? new Uint8Array())).not.toBe(toHex(made[1]?.coinb1 ?? new Uint8Array()));
  });

  it('goes on in a new epoch when the ids of one are used up', () => {
    const jobs = factory(3, new ManualClock(), ours, 2);
    const serials = [1, 2, 3].map(() => jobs.build(templateOn(1)).serial);
    expect(serials).toEqual([3 * JOBS_PER_EPOCH, 3 * JOBS_PER_EPOCH + 1, 7 * JOBS_PER_EPOCH]);
  });

  it('asks for clean jobs when the tip changed, and only then', () => {
    const jobs = factory();
    const flags = [1, 1, 2, 2, 1].map((tip) => jobs.build(templateOn(tip)).cleanJobs);
    expect(flags).toEqual([true, false, true, false, true]);
  });

  it('throws for a template that no job can be made of, and goes on with the next', () => {
    const jobs = factory();
    expect(() => jobs.build(templateOn(1, 0, { bits: 0 }))).toThrow('target');
    expect(() => jobs.build(templateOn(1, 0, { witnessCommitment: new Uint8Array(5000) }))).toThrow('4096 bytes');
    const job = jobs.build(templateOn(1));
    expect(job.cleanJobs).toBe(true);
    expect(job.serial).toBe(3 * JOBS_PER_EPOCH);
  });

  it('refuses a branch that miners could not take', () => {
    const modules = {
      clock: new ManualClock(),
      nextEpoch: () => 2,
      merkleBranch: () => Array.from({ length: 33 }, () => hashOf(1)),
    };
    const jobs = createJobFactory(
      { epoch: 1, bootId: '0123456789abcdef', identity: ours, payoutScript, tag: '' },
      modules,
    );
    expect(() => jobs.build(templateOn(1))).toThrow('merkle branches');
  });

  it('has room for the longest tag that a config may have, at any height', () => {
    const modules = { clock: new ManualClock(), nextEpoch: () => 2, merkleBranch: () => [] };
    const tag = 'x'.repeat(64);
    const jobs = createJobFactory(
      { epoch: EPOCHS_MAX - 1, bootId: '0123456789abcdef', identity: new Uint8Array(6), payoutScript, tag },
      modules,
    );
    expect(jobs.build({ ...templateOn(1), height: 0x7fff_ffff }).coinb2.length).toBeGreaterThan(64);
  });

  it('makes a coinbase for each length, whose outputs have the room that they were told', () => {
    const asked: number[] = [];
    const jobs = createJobFactory(
      { epoch: 1, bootId: '0123456789abcdef', identity: ours, payoutScript, tag: '/Sluice/' },
      {
        ...{ clock: new ManualClock(), nextEpoch: () => 2, merkleBranch: () => [] },
        payDirectly(valueSats, rooms) {
          asked.push(...rooms);
          // As long as the room, to the byte: the pool's output, and one with a long script in front of it.
          const longest = rooms.map((room) => [
            { script: new Uint8Array(room - 11).fill(0x51), sats: 1n },
            { script: payoutScript, sats: valueSats - 1n },
          ]);
          return { outputs: longest, windowEnd: 'window' };
        },
      },
    );
    const job = jobs.build(templateOn(1));
    const hole = VARIANT_BYTES + EXTRANONCE1_BYTES + EXTRANONCE2_BYTES;
    const { shorterCoinbases = [] } = job;
    expect(asked).toHaveLength(4);
    expect(shorterCoinbases).toHaveLength(3);
    expect(job.windowEnd).toBe('window');
    const lengths = [job.coinb2, ...shorterCoinbases.map(({ coinb2 }) => coinb2)].map(
      (coinb2) => job.coinb1.length + hole + coinb2.length,
    );
    for (const [at, most] of [750, 500, 384, 255].entries()) {
      expect(lengths[at]).toBeGreaterThan(most - 3);
      expect(lengths[at]).toBeLessThanOrEqual(most);
    }
    expect(shorterCoinbases.map(({ bytes }) => bytes)).toEqual(lengths.slice(1));
  });

  it('refuses an epoch that does not fit job ids', () => {
    expect(() => factory(EPOCHS_MAX)).toThrow('epoch');
    expect(() => factory(-1)).toThrow('epoch');
  });
});
