import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TELL_MS } from '#front/net/door/neighbours';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';

/** Who has logged in does not give way to others for a minute. */
const login =
  '{"id":1,"method":"mining.subscribe","params":[]}\n' +
  '{"id":2,"method":"mining.authorize","params":["bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080","x"]}\n';
const LIMIT = 6;
const TOTAL = 20;
/** Told, relayed and heard, on a busy machine. */
const HEARD_MS = 20 * TELL_MS;

interface Guest {
  readonly socket: Socket;
  readonly gateway: number;
}

describe('the limits of a pool of two gateways', () => {
  const folder = new PoolFolder(
    `[stratum]\ngateways = 2\n[stratum.limits]\nexempt = ["127.0.0.1"]\nconnections = ${TOTAL}\n` +
      `connections-per-subnet = ${TOTAL}\nconnections-per-address = ${LIMIT}\n`,
  );
  let pool: PoolProcess;
  const guests: Guest[] = [];
  beforeAll(async () => {
    pool = await PoolProcess.start(folder);
  });
  afterAll(async () => {
    await pool.stop();
    await folder.remove();
  });

  /** Subscribes from one of this machine's many addresses: who came in, and to which gateway; or nobody. */
  async function enter(localAddress: string): Promise<Guest | undefined> {
    const socket = connect({ ...pool.endpoints.tcp, localAddress });
    socket.on('error', () => undefined);
    socket.write(login);
    const answer = await new Promise<string | undefined>((resolve) => {
      socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
      socket.once('close', () => resolve(undefined));
    });
    if (answer === undefined) return undefined;
    const [, extranonce1] = JSON.parse(answer.split('\n')[0] ?? '').result as [unknown, string];
    const guest = { socket, gateway: Number.parseInt(extranonce1, 16) >>> 22 };
    guests.push(guest);
    return guest;
  }

  async function leave(some: readonly Guest[]): Promise<void> {
    for (const { socket } of some) socket.destroy();
    await delay(HEARD_MS);
  }

  /**
   * All that one address may have, with guests in both gateways. The kernel deals connections out by chance, and only where
   * both have some do these tests say anything.
   */
  async function fill(): Promise<void> {
    let gateways = new Set<number>();
    for (let round = 0; round < 10 && gateways.size < 2; round += 1) {
      await leave(guests.splice(0));
      for (let i = 0; i < LIMIT; i += 1) {
        expect(await enter('127.9.0.1'), `connection ${i + 1}`).toBeDefined();
        await delay(2);
      }
      gateways = new Set(guests.map(({ gateway }) => gateway));
    }
    expect(gateways.size).toBe(2);
    await delay(HEARD_MS);
  }

  it('hold for both gateways together', async () => {
    await fill();
    for (let i = 0; i < 20; i += 1) expect(await enter('127.9.0.1')).toBeUndefined();
    expect(await enter('127.9.0.2')).toBeDefined();
    const limited = async (): Promise<string> => (await fetch(`${pool.endpoints.http}/metrics`)).text();
    await expect.poll(limited).toMatch(/^sluice_connections_over_limit_total 20$/m);
  });

  it('admit a connection when another has closed, in either gateway', async () => {
    const [first] = guests;
    await leave(first ? [first] : []);
    expect(await enter('127.9.0.1')).toBeDefined();
    await delay(HEARD_MS);
    for (let i = 0; i < 10; i += 1) expect(await enter('127.9.0.1')).toBeUndefined();
  });

  it('hold for all addresses together', async () => {
    let entered = LIMIT + 1;
    for (let i = 10; i < 60; i += 1) {
      if (await enter(`127.9.0.${i}`)) entered += 1;
      await delay(TELL_MS / 10);
      if (entered === TOTAL) break;
    }
    await delay(HEARD_MS);
    for (let i = 60; i < 80; i += 1) expect(await enter(`127.9.0.${i}`)).toBeUndefined();
  });

  it('forget the connections of a gateway that died', async () => {
    await fill();
    const [victim] = pool.gateways();
    if (victim === undefined) throw new Error('no gateway runs');
    process.kill(victim, 'SIGKILL');
    await expect.poll(() => guests.some(({ socket }) => socket.destroyed)).toBe(true);
    await delay(HEARD_MS);
    const left = guests.filter(({ socket }) => !socket.destroyed).length;
    let entered = 0;
    for (let i = 0; i < 20; i += 1) {
      if (await enter('127.9.0.1')) {
        entered += 1;
        await delay(HEARD_MS);
      } else await delay(2 * TELL_MS);
    }
    expect(left + entered).toBe(LIMIT);
  });
});
