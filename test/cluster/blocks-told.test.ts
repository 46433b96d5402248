import { describe, expect, it } from 'vitest';
import { BlocksTold } from '../../src/cluster/blocks-told.ts';

describe('blocks that a gateway has told the pool of', () => {
  it('are waited for until the pool has every one', async () => {
    const blocks = new BlocksTold();
    expect(blocks.kept).toBeUndefined();
    blocks.tell();
    blocks.tell();
    let over = false;
    void blocks.kept?.then(() => {
      over = true;
    });
    blocks.answered();
    await Promise.resolve();
    expect(over).toBe(false);
    blocks.answered();
    await Promise.resolve();
    expect(over).toBe(true);
    expect(blocks.kept).toBeUndefined();
    blocks.tell();
    expect(blocks.kept).toBeInstanceOf(Promise);
  });
});
