import { describe, expect, it } from 'vitest';
import { hashAccount } from '#cli/account';
import { CommandError } from '#cli/io';
import { matchesHash, parsePasswordHash } from '#front/session/login/password-hash';
import { FakeIo } from './harness.ts';

async function* typed(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

describe('sluice account hash', () => {
  it('prints a hash that the password matches, and no other', async () => {
    const io = new FakeIo();
    expect(await hashAccount({}, io, typed('correct horse\n'))).toBe(0);
    const hash = parsePasswordHash(io.out.trim());
    if (!hash) throw new Error(`not a hash: ${io.out}`);
    expect(await matchesHash('correct horse', hash)).toBe(true);
    expect(await matchesHash('correct horse ', hash)).toBe(false);
    const again = new FakeIo();
    await hashAccount({ json: true }, again, typed('correct horse'));
    expect(JSON.parse(again.out).passwordHash).not.toBe(io.out.trim());
  });

  it.each(['', '\n', ' x', 'p\u00e4ss', 'x'.repeat(129), 'a\nb'])('refuses %j', async (password) => {
    await expect(hashAccount({}, new FakeIo(), typed(password))).rejects.toThrow(CommandError);
  });
});
