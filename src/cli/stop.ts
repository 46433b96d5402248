import { exitCodes, type Io } from './io.ts';

/** Resolves with the name of the first signal to stop; the second ends the process at once. */
export function stopSignal(io: Io): Promise<string> {
  return new Promise((resolve) => {
    let stopping = false;
    io.onStopSignal((signal) => {
      if (stopping) io.exit(exitCodes.failed);
      stopping = true;
      resolve(signal);
    });
  });
}

/** Hangups: `first` resolves with the signal's name at the first, `each` calls back at every one from then on. */
export function hangups(io: Io): { readonly first: Promise<string>; each(callback: () => void): void } {
  let listener = (): void => {};
  const first = new Promise<string>((resolve) => {
    io.onHangup(() => {
      resolve('SIGHUP');
      listener();
    });
  });
  return {
    first,
    each(callback) {
      listener = callback;
    },
  };
}
