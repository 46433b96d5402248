import { describe, expect, it } from 'vitest';
import { budgetOf, descriptorBudget } from '#front/net/door/descriptors';

describe('the budget of descriptors', () => {
  it('keeps a reserve beside the descriptors open at the start', () => {
    expect(budgetOf(65_536, 40)).toEqual({ descriptors: 65_536, reserved: 552, connections: 64_984 });
  });

  it('keeps a quarter of a small limit', () => {
    expect(budgetOf(600, 40)).toEqual({ descriptors: 600, reserved: 190, connections: 410 });
    expect(budgetOf(16, 40).connections).toBe(1);
  });

  it.runIf(process.platform === 'linux')('is this process’s', () => {
    expect(descriptorBudget()?.descriptors).toBeGreaterThan(0);
  });
});
