import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type Io, paint, type Terminal } from '../io.ts';
import { fittedTable } from './fitted-table.ts';
import { HISTORY_LINES_MAX, History } from './history.ts';
import { HELP, readEntry } from './statement.ts';
import { readTextRows, TEXT_ROWS_FORMAT } from './text-rows.ts';

export interface ShellModules {
  readonly io: Io;
  readonly terminal: Terminal;
  /** Runs a statement; the signal ends it in the engine. */
  readonly query: (sql: string, format: string, signal: AbortSignal) => Promise<Readable>;
}

const PROMPT = 'sluice> ';
const MORE_PROMPT = '   ...> ';
/** Rows that are shown of a result. */
const ROWS_MAX = 500;
const WIDTH_DEFAULT = 80;
const PROGRESS_AFTER_MS = 300;
const PROGRESS_EVERY_MS = 200;

/** SQL at a terminal, statement after statement. Resolves when the user leaves. */
export async function runShell(modules: ShellModules): Promise<void> {
  const shell = new Shell(modules);
  await shell.run();
}

class Shell {
  readonly #modules: ShellModules;
  readonly #history: History;
  readonly #lines: Interface;
  #entered = '';
  #running: AbortController | undefined;

  constructor(modules: ShellModules) {
    const { io } = modules;
    const { input, output } = modules.terminal;
    this.#modules = modules;
    this.#history = new History(io);
    this.#lines = createInterface({
      input,
      output,
      terminal: true,
      prompt: PROMPT,
      history: this.#history.read(),
      historySize: HISTORY_LINES_MAX,
      removeHistoryDuplicates: true,
    });
    this.#lines.on('history', (lines: string[]) => this.#history.write(lines));
    this.#lines.on('SIGINT', () => this.#interrupted());
  }

  run(): Promise<void> {
    this.#write('SQL over the pool’s shares, jobs and blocks. \\d shows the tables, \\? helps, \\q leaves.\n');
    this.#lines.prompt();
    return new Promise((resolve) => {
      this.#lines.on('line', (line) => void this.#line(line));
      this.#lines.once('close', () => {
        this.#running?.abort();
        this.#write('\n');
        resolve();
      });
    });
  }

  /** Lines that are typed while a query runs wait: readline is paused meanwhile, but for Ctrl-C. */
  async #line(line: string): Promise<void> {
    if (this.#running !== undefined) return;
    this.#entered += `${line}\n`;
    const entry = readEntry(this.#entered);
    if (entry.kind !== 'open') this.#entered = '';
    if (entry.kind === 'quit') {
      this.#lines.close();
      return;
    }
    if (entry.kind === 'help') this.#write(HELP);
    if (entry.kind === 'unknown') this.#write(`${entry.word} is no command; \\? shows them\n`);
    if (entry.kind === 'query') await this.#run(entry.sql);
    this.#prompt(entry.kind === 'open' ? MORE_PROMPT : PROMPT);
  }

  async #run(sql: string): Promise<void> {
    const { io, terminal, query } = this.#modules;
    const running = new AbortController();
    this.#running = running;
    const startedMs = performance.now();
    let rows = 0;
    const show = (): void => {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      this.#write(`\r\u001b[K${paint(io, io.stdout, 'dim', `${seconds} s, ${rows} rows; Ctrl-C ends the query`)}`);
    };
    let timer = setTimeout(() => {
      show();
      timer = setInterval(show, PROGRESS_EVERY_MS);
    }, PROGRESS_AFTER_MS);
    try {
      const result = await query(sql, TEXT_ROWS_FORMAT, running.signal);
      running.signal.addEventListener('abort', () => result.destroy(new Error('ended')), { once: true });
      const read = await readTextRows(result, ROWS_MAX, (count) => {
        rows = count;
      });
      running.signal.throwIfAborted();
      this.#write(`\r\u001b[K${fittedTable(read, terminal.output.columns ?? WIDTH_DEFAULT)}`);
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(2);
      const more = read.more ? ` are shown of more; for all: sluice sql --format CSV "…" > file` : '';
      this.#write(paint(io, io.stdout, 'dim', `${read.rows.length} rows${more} (${seconds} s)\n`));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const words = running.signal.aborted ? 'the query was ended' : reason;
      this.#write(`\r\u001b[K${paint(io, io.stdout, 'red', words)}\n`);
    } finally {
      clearTimeout(timer);
      this.#running = undefined;
    }
  }

  #interrupted(): void {
    if (this.#running !== undefined) {
      this.#running.abort();
      return;
    }
    if (this.#lines.line === '' && this.#entered === '') this.#write('\n(\\q leaves)');
    this.#entered = '';
    this.#write('\n');
    // What was on the line is gone with it.
    this.#lines.write(null, { ctrl: true, name: 'u' });
    this.#prompt(PROMPT);
  }

  #prompt(prompt: string): void {
    this.#lines.setPrompt(prompt);
    this.#lines.prompt();
  }

  #write(text: string): void {
    this.#modules.terminal.output.write(text);
  }
}
