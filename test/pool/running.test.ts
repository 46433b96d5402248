import { describe, expect, it } from 'vitest';
import { Running } from '#pool/running';

describe('Running', () => {
  it('closes every part in the opposite order, though one fails', async () => {
    const running = new Running();
    const order: string[] = [];
    for (const part of ['log', 'node', 'gateway']) {
      running.onClose(async () => {
        order.push(part);
        if (part === 'node') throw new Error('node');
      });
    }
    await expect(running.close()).rejects.toThrow('with errors');
    expect(order).toEqual(['gateway', 'node', 'log']);
  });

  it('lets no part that hangs keep the share log from closing', async () => {
    const running = new Running({ closeMsMax: 300 });
    let closed = false;
    running.onClose(async () => {
      closed = true;
    });
    running.onClose(() => new Promise(() => {}));
    await expect(running.close()).rejects.toThrow('with errors');
    expect(closed).toBe(true);
  });
});
