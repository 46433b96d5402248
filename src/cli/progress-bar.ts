import type { Io } from './io.ts';

const BAR_CHARS = 30;

/** Draws a bar on a terminal, with what `text` says of it; elsewhere nothing is shown. It goes when all is done. */
export function progressBar(io: Io, text: (done: number, all: number) => string): (done: number, all: number) => void {
  let shown = '';
  return (done, all) => {
    if (io.stderr.isTTY !== true) return;
    const part = all === 0 ? 1 : done / all;
    const full = Math.floor(part * BAR_CHARS);
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_CHARS - full)} ${Math.floor(part * 100)} %`;
    if (bar === shown) return;
    shown = bar;
    io.stderr.write(`\r\u001b[K${bar}  ${text(done, all)}`);
    if (done === all) io.stderr.write('\r\u001b[K');
  };
}
