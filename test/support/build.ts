import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Newest modification time (ms) of any file below a folder; 0 when the folder does not exist. */
function newest(folder: string): number {
  try {
    return readdirSync(`${root}${folder}`, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((latest, entry) => Math.max(latest, statSync(`${entry.parentPath}/${entry.name}`).mtimeMs), 0);
  } catch {
    return 0;
  }
}

/**
 * Worker threads, child processes and end-to-end tests run the built JavaScript, so a stale build is rebuilt first.
 * A build that fails stops the run in CI; elsewhere the tests that need no build can still say something.
 */
export default function setup(): void {
  if (newest('dist') >= Math.max(newest('src'), newest('assembly'), newest('bench'))) return;
  try {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  } catch (error) {
    if (process.env['CI']) throw error;
    process.stderr.write('the build failed: tests of workers, child processes and whole pools run an older build\n');
  }
}
