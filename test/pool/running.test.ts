import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Running } from '#pool/running';

describe('Running', () => {
  it('closes every part in the opposite order, though one fails', async () => {
    const running = new Running();
    const order: string[] = [];
    for (const part of ['log', 'node', 'gateway']) {
      running.onClose(part, async () => {
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
    running.onClose('the log', async () => {
      closed = true;
    });
    running.onClose('the gateways', () => new Promise(() => {}));
    await expect(running.close()).rejects.toMatchObject({
      errors: [expect.objectContaining({ message: expect.stringMatching(/^the gateways did not close within/) })],
    });
    expect(closed).toBe(true);
  });

  it('tells each part how long it has, which is less than it waits', async () => {
    const running = new Running({ closeMsMax: 1000 });
    const given: number[] = [];
    const take = (ms: number) => async (msMax: number) => {
      given.push(msMax);
      await setTimeout(ms === 0 ? msMax : ms);
    };
    running.onClose('the log', take(1));
    running.onClose('the ledger', take(0));
    await running.close();
    expect(given[0]).toBeGreaterThan(500);
    expect(given[0]).toBeLessThan(750);
    expect(given[1]).toBeGreaterThan(100);
  });
});
