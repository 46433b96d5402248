/** A benchmark that this machine can not run: said in one line, and no failure. */
export class NotRun extends Error {
  override readonly name = 'NotRun';
}
