import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { builtFile, tiedToParent } from '#base/built';
import type { Logger } from '#base/domain/ports';
import { endOf } from '#base/std/end-child';
import { type Child, goneOf } from '#base/std/supervised-child';
import type { LedgerChildOptions, LedgerReply, LedgerRequest } from './messages.ts';

/** Behind what serves miners: catching up with a day's log takes a core for a while. */
const NICENESS = 10;

/** The ledger's process, from outside. */
export interface LedgerChild extends Child {
  /** Resolves when the ledger is open; rejects with the reason if it could not be opened. */
  readonly ready: Promise<void>;
  answer(id: number, value: unknown): void;
  /** Lets it take what is in the log, then ends it, in `msMax` at most. Resolves with false if it had to be killed. */
  close(msMax?: number): Promise<boolean>;
}

/** Starts the ledger's process. It ends when this process does, even by kill -9 (see `tiedToParent`). */
export function startChild(
  options: LedgerChildOptions,
  modules: { readonly logger: Logger; readonly onReply: (reply: LedgerReply) => void },
): LedgerChild {
  const { PATH, HOME, TMPDIR } = process.env;
  const child = fork(builtFile('books/ledger/ledger-child.ts'), [], {
    env: {
      TZ: 'UTC',
      ...(PATH !== undefined && { PATH }),
      ...(HOME !== undefined && { HOME }),
      ...(TMPDIR && { TMPDIR }),
    },
    ...tiedToParent(),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // Answers have bytes and bigints in them.
    serialization: 'advanced',
  });
  if (child.pid !== undefined) giveWay(child.pid);
  const send = (request: LedgerRequest): void => {
    // A child that is gone is told by `gone`.
    if (child.connected) child.send(request, () => {});
  };
  send({ type: 'start', options });
  const gone = goneOf(child);
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (reply: LedgerReply) => {
      if (reply.type === 'ready') resolve();
      else if (reply.type === 'refused') reject(new Error(reply.reason));
      else if (reply.type === 'log') modules.logger[reply.level](reply.fields, reply.message);
      modules.onReply(reply);
    });
    child.once('error', reject);
    void gone.then(() => reject(new Error('the ledger process ended')));
  });
  const kill = (): void => void child.kill('SIGKILL');
  return {
    ready,
    gone,
    pid: child.pid,
    answer: (id, value) => send({ type: 'answer', id, value }),
    kill,
    close: (msMax) => {
      send({ type: 'close' });
      return endOf({ gone, kill }, msMax);
    },
  };
}

function giveWay(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // It is gone already, or the system does not allow it: then it has the priority of the pool.
  }
}
