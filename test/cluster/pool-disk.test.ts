import { describe, expect, it } from 'vitest';
import { PoolDisk } from '../../src/cluster/pool-disk.ts';

describe('what a gateway waits for on the pool’s disk', () => {
  it('is waited for until the pool has all of it', async () => {
    const disk = new PoolDisk();
    expect(disk.ready).toBeUndefined();
    disk.expect();
    disk.expect();
    let over = false;
    void disk.ready?.then(() => {
      over = true;
    });
    disk.has();
    await Promise.resolve();
    expect(over).toBe(false);
    disk.has();
    await Promise.resolve();
    expect(over).toBe(true);
    expect(disk.ready).toBeUndefined();
    disk.expect();
    expect(disk.ready).toBeInstanceOf(Promise);
  });
});
