import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { builtFile, tiedToParent } from '../built.ts';
import type { Logger } from '../domain/ports.ts';
import type { ChildOptions, ChildReply, ChildRequest } from './messages.ts';

const CLOSE_MS_MAX = 6_000;
/** One that is killed gets this long to be gone. */
const KILL_MS_MAX = 1_000;
/** Less important than the pool, which has the same cores: a share is not to wait for rows that are in the log already. */
const NICE = 19;
/**
 * A nice thread that runs keeps its core for some ms when the pool's wants it; under Linux's idle policy it gives it back at
 * once, which nearly halves the p99 of a reply (bench/README.md). Not from the beginning: beside other programs that take
 * all cores it would be a minute until there is SQL.
 */
const IDLE = ['chrt', '--all-tasks', '--idle', '--pid', '0'] as const;

/** The analytics child process, from outside. */
export interface AnalyticsChild {
  /** Resolves when it serves queries; rejects with its reason where it could not start. */
  readonly ready: Promise<void>;
  /** Resolves when it is gone, for whatever reason. */
  readonly gone: Promise<void>;
  readonly pid: number | undefined;
  /** At once: what it had under way is done again by the next one. */
  kill(): void;
  /** Lets it ship what it can in a few seconds, then ends it. */
  close(): Promise<void>;
}

/**
 * Starts the child. It ends when this process does, even by kill -9: whatever it is doing where the system sees to that
 * (`tiedToParent`), else as soon as it notices.
 */
export function startChild(
  options: ChildOptions,
  modules: { readonly logger: Logger; readonly onReply: (reply: ChildReply) => void },
): AnalyticsChild {
  const child = fork(builtFile('analytics/analytics-child.ts'), [JSON.stringify(options)], {
    // Nothing of the pool's environment, which may hold its secrets, for SQL to find; and time in UTC.
    env: { TZ: 'UTC', UV_THREADPOOL_SIZE: '8', ...pick(process.env, ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH']) },
    ...tiedToParent(),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  beNice(child.pid);
  const gone = once(child, 'exit').then(
    () => {},
    () => {},
  );
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
    () => beIdle(child.pid),
    () => {},
  );
  return {
    ready,
    gone,
    pid: child.pid,
    kill: () => void child.kill('SIGKILL'),
    close: () => closeChild(child, gone),
  };
}

/**
 * From outside and at once: a thread has the priority of the one that made it, and a process that sets its own has made
 * the threads already that will make ClickHouse's.
 */
function beNice(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, NICE);
  } catch {
    // It is gone again, which `gone` will tell.
  }
}

/** Where there is no such command or policy it stays nice. Threads that come later have the policy of those that make them. */
function beIdle(pid: number | undefined): void {
  const [command, ...options] = IDLE;
  if (pid !== undefined) execFile(command, [...options, String(pid)], () => {});
}

/**
 * Waits for its end, for a while: on a machine that is full its threads, which come last of all, come last also to their
 * end. Whoever starts next waits for the folder's lock.
 */
async function closeChild(child: ChildProcess, gone: Promise<void>): Promise<void> {
  if (child.connected) child.send({ type: 'close' } satisfies ChildRequest, () => {});
  const killing = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS_MAX);
  await Promise.race([gone, delay(CLOSE_MS_MAX + KILL_MS_MAX, undefined, { ref: false })]);
  clearTimeout(killing);
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
