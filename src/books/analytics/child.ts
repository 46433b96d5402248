import { fork } from 'node:child_process';
import { builtFile, tiedToParent } from '#base/built';
import type { Happening } from '#base/domain/happening';
import type { Logger } from '#base/domain/ports';
import { endOf } from '#base/std/end-child';
import { type Child, goneOf } from '#base/std/supervised-child';
import { ChildPriority, type Priority } from './child-priority.ts';
import type { ChildOptions, ChildReply, ChildRequest } from './messages.ts';

/** The analytics child process, from outside. */
export interface AnalyticsChild extends Child {
  /** Resolves when it serves queries; rejects with its reason where it could not start. */
  readonly ready: Promise<void>;
  /** Under the idle policy from now on, where it comes last. */
  beIdle(): Promise<void>;
  /** Gives it the processor beside others. Resolves with false if the system does not let this user do that. */
  takeTurn(): Promise<boolean>;
  /** Hands over what happened, to be written when ClickHouse takes it. */
  tell(happenings: readonly Happening[]): void;
  /** At once: what it had under way is done again by the next one. */
  kill(): void;
  /** Lets it ship what it can, then ends it, in `msMax` at most. Resolves with false if it had to be killed. */
  close(msMax?: number): Promise<boolean>;
}

/**
 * Starts the child. It ends when this process does, even by kill -9: whatever it is doing where the system sees to that
 * (`tiedToParent`), else as soon as it notices.
 */
export function startChild(
  options: ChildOptions,
  modules: { readonly logger: Logger; readonly onReply: (reply: ChildReply) => void },
  priority: Priority,
): AnalyticsChild {
  const child = fork(builtFile('books/analytics/analytics-child.ts'), [], {
    // Nothing of the pool's environment, which may hold its secrets, for SQL to find; and time in UTC.
    env: { TZ: 'UTC', UV_THREADPOOL_SIZE: '8', ...pick(process.env, ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH']) },
    ...tiedToParent(),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  // From outside and at once: a process that sets its own has made the threads already that will make ClickHouse's.
  const given = child.pid === undefined ? undefined : new ChildPriority(child.pid, priority);
  // A child that is gone again is told by `gone`.
  child.send({ type: 'start', options } satisfies ChildRequest, () => {});
  const gone = goneOf(child);
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (reply: ChildReply) => {
      if (reply.type === 'ready') resolve();
      else if (reply.type === 'refused') reject(new Error(reply.reason));
      else if (reply.type === 'log') modules.logger[reply.level](reply.fields, reply.message);
      modules.onReply(reply);
    });
    child.once('error', reject);
    void gone.then(() => reject(new Error('the analytics process ended')));
  });
  ready.then(
    () => void given?.beIdle(),
    () => {},
  );
  const kill = (): void => void child.kill('SIGKILL');
  return {
    ready,
    gone,
    pid: child.pid,
    beIdle: async () => given?.beIdle(),
    takeTurn: async () => given?.takeTurn() ?? true,
    tell: (happenings) => {
      if (child.connected) child.send({ type: 'happenings', happenings } satisfies ChildRequest, () => {});
    },
    kill,
    close: (msMax) => {
      if (child.connected) child.send({ type: 'close' } satisfies ChildRequest, () => {});
      return endOf({ gone, kill }, msMax);
    },
  };
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
