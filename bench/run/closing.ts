/** What must be stopped before the benchmark's process ends, however it ends. */
const open = new Set<Closable>();

export interface Closable {
  /** In order. */
  close(): Promise<unknown>;
  /** Closes at once when there is no time to wait; must be synchronous. */
  abandon(): void;
}

export function closeAtEnd(closable: Closable): void {
  open.add(closable);
}

/** Closes one of them; later calls do nothing. */
export async function close(closable: Closable): Promise<void> {
  if (!open.has(closable)) return;
  await closable.close();
  closable.abandon();
  open.delete(closable);
}

export async function closeAll(): Promise<void> {
  await Promise.all([...open].map((each) => close(each)));
}

process.once('exit', () => {
  for (const each of open) each.abandon();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
