import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashPassword } from '#front/session/login/password-hash';
import { PoolFolder, PoolProcess } from '../support/pool-process.ts';
import { StratumClient } from '../support/stratum-client.ts';

const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';

describe('a pool that knows its miners', () => {
  let folder: PoolFolder;
  let pool: PoolProcess;

  beforeAll(async () => {
    folder = new PoolFolder(`[stratum]
authorization = "accounts"
nicehash = { key = "key", secret = "secret" }
[stratum.accounts.alice]
password-hash = "${await hashPassword('secret')}"
address = "${ADDRESS}"
[stratum.profiles.toy]
match = ["ToyMiner"]
difficulty-start = 2e-9
[stratum.difficulty]
start = 1e-9
vardiff = false
`);
    pool = await PoolProcess.start(folder);
  });
  afterAll(async () => {
    pool.child.kill('SIGKILL');
    await folder.remove();
  });

  const connect = (): Promise<StratumClient> => StratumClient.tcp(pool.endpoints.tcp.host, pool.endpoints.tcp.port);

  it('accepts the right password, and then shares', async () => {
    const client = await connect();
    await client.login('alice.rig', { password: 'secret', agent: 'ToyMiner/1' });
    expect(client.difficulty).toBe(2e-9);
    expect((await client.submit(client.solve('alice.rig'))).result).toBe(true);
    client.close();
  });

  it('refuses a wrong password, an unknown account, and an unsigned NiceHash', async () => {
    const client = await connect();
    await client.request('mining.subscribe', []);
    for (const [user, password] of [
      ['alice.rig', 'Secret'],
      [ADDRESS, 'x'],
    ]) {
      const reply = await client.request('mining.authorize', [user, password]);
      expect(reply).toMatchObject({ result: null, error: [24, 'Unauthorized worker', null] });
    }
    client.close();
    const rental = await connect();
    const reply = await rental.request('mining.subscribe', ['NiceHash/1.0.0', String(Date.now()), 'ab'.repeat(32)]);
    expect(reply.error?.[0]).toBe(24);
    await rental.whenClosed;
  });
});
