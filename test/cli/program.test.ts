import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keys } from '#base/config/keys';
import { exitCodes } from '#cli/io';
import { run } from '#cli/program';
import { version } from '#cli/version';
import { RECEIVE_BYTES_MAX } from '#front/net/listen/receive-buffer';
import { FakeIo } from './harness.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function sluice(args: string[], env: Record<string, string> = {}, isTTY = false) {
  const io = new FakeIo(env, isTTY);
  const code = await run(args, io);
  return { code, out: io.out, err: io.err };
}

function configFile(toml: string): string {
  const file = join(folder, 'sluice.toml');
  writeFileSync(file, toml);
  return file;
}

const colour = '\u001b[';

describe('the command line', () => {
  it('prints its version and help', async () => {
    expect(await sluice(['--version'])).toEqual({ code: exitCodes.fine, out: `${version}\n`, err: '' });
    for (const args of [
      ['--help'],
      ['start', '--help'],
      ['check', '-h'],
      ['bench', '-h'],
      ['miner', '-h'],
      ['sql', '-h'],
    ]) {
      const { code, out, err } = await sluice(args);
      expect({ code, err }).toEqual({ code: exitCodes.fine, err: '' });
      expect(out).toContain('Usage: sluice');
      expect(out).toContain('Examples:\n  $ ');
    }
  });

  it('lists every key in the help of check', async () => {
    const { out } = await sluice(['check', '--help']);
    for (const { name, env } of keys) {
      expect(out).toContain(`  ${name}\n`);
      expect(out).toContain(`  ${env ?? '(in the file only'}`);
    }
  });

  it.each([
    [[]],
    [['strat']],
    [['start', '--confg', 'x']],
    [['start', 'extra']],
    [['check', '--config']],
    [['sql']],
    [['sql', '--format', 'XML', 'SELECT 1']],
    [['miner', '--threads', '0']],
    [['miner', '--threads', '1.5']],
    [['miner', '--duration', 'soon']],
    [['bench', 'no-such-benchmark']],
  ])('answers bad usage with 2 and help: %j', async (args) => {
    const { code, out, err } = await sluice(args);
    expect(code).toBe(exitCodes.usage);
    expect(out).toBe('');
    expect(err).toMatch(/sluice/);
  });

  it('suggests the nearest word', async () => {
    expect((await sluice(['strat'])).err).toContain('Did you mean start?');
    expect((await sluice(['start', '--confg', 'x'])).err).toContain('Did you mean --config?');
  });
});

describe('sluice check', () => {
  it('shows what the config comes to', async () => {
    const { code, out, err } = await sluice(['check'], { SLUICE_STRATUM__TCP: '[::1]:4444' });
    expect({ code, err }).toEqual({ code: exitCodes.fine, err: '' });
    expect(out).toContain('TCP [::1]:4444, WebSocket 127.0.0.1:3334');
    expect(out).toContain('The configuration is valid.');
    expect(out).not.toContain(colour);
  });

  it('colours on a terminal alone, and respects NO_COLOR', async () => {
    expect((await sluice(['check'], {}, true)).out).toContain(colour);
    expect((await sluice(['check'], { NO_COLOR: '1' }, true)).out).not.toContain(colour);
  });

  it('advises smaller receive buffers if WebSocket is open to other machines', async () => {
    const [, , bytesMax] = readFileSync('/proc/sys/net/ipv4/tcp_rmem', 'utf8').trim().split(/\s+/);
    const isLarge = Number(bytesMax) > RECEIVE_BYTES_MAX;
    const open = await sluice(['check', '--json'], { SLUICE_STRATUM__WEBSOCKET: '0.0.0.0:3334' });
    expect(JSON.parse(open.out).warnings.join().includes('tcp_rmem')).toBe(isLarge);
    const local = await sluice(['check', '--json'], { SLUICE_STRATUM__WEBSOCKET: '[::1]:3334' });
    expect(JSON.parse(local.out).warnings).toEqual([]);
  });

  it('answers a bad config with 2, naming key, value and bound', async () => {
    const file = configFile('[verify]\nthreads = -1\n');
    const { code, out, err } = await sluice(['check', '--config', file]);
    expect({ code, out }).toEqual({ code: exitCodes.usage, out: '' });
    expect(err).toContain('  verify.threads = -1: must be an integer from 0 to 256\n');
    const json = await sluice(['check', '--json', '--config', file]);
    expect(json.code).toBe(exitCodes.usage);
    expect(JSON.parse(json.out)).toEqual({
      ok: false,
      problems: [{ key: 'verify.threads', value: '-1', bound: 'must be an integer from 0 to 256' }],
      warnings: [],
    });
  });

  it('shows no secret', async () => {
    const secret = 'hunter2hunter2hunter2';
    const file = configFile(
      `network = "main"\n[node]\nrpc = ["http://user:${secret}@127.0.0.1:8332"]\n[payout]\naddress = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"\n[clickhouse]\nurl = "http://u:${secret}@h:8123"\n[http]\nadmin-token = "${secret}"\n`,
    );
    for (const args of [
      ['check', '--config', file],
      ['check', '--json', '--config', file],
    ]) {
      const { code, out, err } = await sluice(args);
      expect(code).toBe(exitCodes.fine);
      expect(out + err).not.toContain(secret);
    }
  });
});

describe('sluice start', () => {
  it('starts nothing with a bad config, and names the command for help', async () => {
    const { code, out, err } = await sluice(['start', '--config', join(folder, 'none.toml')]);
    expect({ code, out }).toEqual({ code: exitCodes.usage, out: '' });
    expect(err).toContain('there is no such file');
    expect(err).toContain('Nothing was started.');
  });
});
