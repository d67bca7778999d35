// Progress on stderr: one line that is written over on a terminal, a plain line every few seconds elsewhere.

import { clearLine, cursorTo } from "node:readline";

import { formatSize } from "../../words/quantity.ts";

const PLAIN_EVERY_MS = 5000;

export interface Progress {
  /** `done` bytes of `total` are through. */
  tell(done: number): void;
  /** Takes the line away. */
  end(): void;
}

/** `format` writes an amount; bytes unless told. */
export function createProgress(
  what: string,
  total: number,
  quiet: boolean,
  format: (amount: number) => string = formatSize,
): Progress {
  const { stderr } = process;
  const start = performance.now();
  let plainAt = start + PLAIN_EVERY_MS;
  let drawn = false;
  const line = (done: number): string => {
    const seconds = Math.max(1e-3, (performance.now() - start) / 1e3);
    const rate = done / seconds;
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
    const left = rate > 0 ? `, ${Math.ceil((total - done) / rate)}s left` : "";
    return `${what}: ${format(done)} of ${format(total)} (${percent} %), ${format(Math.round(rate))}/s${left}`;
  };
  return {
    tell(done) {
      if (quiet) return;
      if (stderr.isTTY) {
        drawn = true;
        cursorTo(stderr, 0);
        stderr.write(line(done));
        clearLine(stderr, 1);
      } else if (performance.now() >= plainAt) {
        plainAt = performance.now() + PLAIN_EVERY_MS;
        stderr.write(`${line(done)}\n`);
      }
    },
    end() {
      if (!drawn) return;
      cursorTo(stderr, 0);
      clearLine(stderr, 0);
    },
  };
}
