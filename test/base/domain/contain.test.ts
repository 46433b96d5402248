import { describe, expect, it } from 'vitest';
import { recordedContainment } from '../../support/containment.ts';

function fault(): never {
  throw new Error('fault');
}

describe('a contained error', () => {
  it('is counted each time and logged once a kind', () => {
    const contained = recordedContainment();
    const { contain } = contained;
    for (let time = 0; time < 3; time += 1) expect(contain.attempt('here', fault)).toBe(false);
    expect(contained.errors).toBe(3);
    expect(contained.lines).toHaveLength(1);
    expect(contained.lines[0]).toMatchObject({ level: 'error', fields: { where: 'here' } });
    contain.attempt('there', fault);
    expect(contained.lines).toHaveLength(2);
  });

  it('is logged for a bounded number of kinds, and counted beyond it', () => {
    const contained = recordedContainment();
    for (let kind = 0; kind < 1000; kind += 1) contained.contain.caught(`kind ${kind}`, 'no error at all');
    expect(contained.errors).toBe(1000);
    expect(contained.lines).toHaveLength(64);
  });

  it('is of the same kind whatever its message says', () => {
    const contained = recordedContainment();
    for (let time = 0; time < 3; time += 1)
      contained.contain.attempt('here', () => {
        throw new Error(`client text ${time}`);
      });
    expect(contained.lines).toHaveLength(1);
  });

  it('keeps no other from its turn, even if what follows a failure throws', () => {
    const contained = recordedContainment();
    const [done, failed]: [number[], number[]] = [[], []];
    contained.contain.each(
      'each',
      [1, 2, 3],
      (one) => (one === 2 ? fault() : done.push(one)),
      (one) => {
        failed.push(one);
        fault();
      },
    );
    expect([done, failed]).toEqual([[1, 3], [2]]);
    expect(contained.errors).toBe(2);
  });
});
