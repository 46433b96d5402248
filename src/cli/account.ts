import { text } from 'node:stream/consumers';
import { limits } from '#base/limits';
import { hashPassword } from '#front/session/login/password-hash';
import { CommandError, type ExitCode, exitCodes, type Io } from './io.ts';

/** `sluice account hash`: reads a password from standard input and prints its hash for the config. */
export async function hashAccount(
  options: { readonly json?: boolean },
  io: Io,
  input: AsyncIterable<Uint8Array> = process.stdin,
): Promise<ExitCode> {
  const password = (await text(input)).replace(/\r?\n$/, '');
  if (password === '')
    throw new CommandError('no password on standard input: pipe it in, for example with printf', exitCodes.usage);
  if (password.length > limits.passwordCharsMax || !/^[ -~]*$/.test(password) || password.trim() !== password) {
    const rule = `up to ${limits.passwordCharsMax} printable ASCII characters, without blanks at its ends`;
    throw new CommandError(`the password must be ${rule}: miners send it as it is typed there`, exitCodes.usage);
  }
  const hash = await hashPassword(password);
  io.stdout.write(options.json === true ? `${JSON.stringify({ passwordHash: hash })}\n` : `${hash}\n`);
  return exitCodes.fine;
}
