import { describe, expect, it } from 'vitest';
import { PoolDisk } from '#cluster/pool-disk';

describe('what a gateway waits for on the pool’s disk', () => {
  it('is waited for until the pool has all of it, in whatever order', async () => {
    const disk = new PoolDisk();
    expect(disk.ready).toBeUndefined();
    disk.expect('job 1');
    disk.expect('block 0');
    let over = false;
    void disk.ready?.then(() => {
      over = true;
    });
    disk.has('block 0');
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    disk.has('job 1');
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(true);
    expect(disk.ready).toBeUndefined();
    disk.has('job 1');
    expect(disk.ready).toBeUndefined();
  });

  it('does not make earlier shares wait for blocks and jobs expected later', async () => {
    const disk = new PoolDisk();
    disk.expect('block 0');
    let over = false;
    void disk.ready?.then(() => {
      over = true;
    });
    for (let block = 1; block < 10; block += 1) {
      disk.expect(`block ${block}`);
      disk.has(`block ${block - 1}`);
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(true);
    expect(disk.ready).toBeInstanceOf(Promise);
  });
});
