// Progress on stderr: one line that is written over on a terminal, a plain line every few seconds elsewhere.

import { shownBytes } from "../../words/shown.ts";
import { createStatusLine } from "../../words/status_line.ts";

const PLAIN_EVERY_MS = 5000;

export interface Progress {
  /** `done` bytes of `total` are through. */
  tell(done: number): void;
  /** Takes the line away. */
  end(): void;
}

export interface ProgressOptions {
  /** What was there before this run: the rate does not count it. 0. */
  readonly from?: number;
  /** Writes an amount; as bytes unless told. */
  readonly format?: (amount: number) => string;
}

export function createProgress(
  what: string,
  total: number,
  quiet: boolean,
  { from = 0, format = shownBytes }: ProgressOptions = {},
): Progress {
  const terminal = process.stderr.isTTY === true;
  const status = createStatusLine();
  const start = performance.now();
  let plainAt = start + PLAIN_EVERY_MS;
  const line = (done: number): string =>
    `${what}: ${describeProgress(done, total, from, (performance.now() - start) / 1e3, format)}`;
  return {
    tell(done) {
      if (quiet) return;
      const plain = performance.now() >= plainAt;
      if (plain) plainAt = performance.now() + PLAIN_EVERY_MS;
      if (terminal) status.show(line(done));
      else if (plain) status.keep(line(done));
    },
    end: status.clear,
  };
}

/** `3 MiB of 8 MiB (37 %), 1 MiB/s, 5 s left`, after so many seconds of which the first `from` of `done` took none. */
export function describeProgress(
  done: number,
  total: number,
  from: number,
  seconds: number,
  format: (amount: number) => string,
): string {
  const rate = (done - from) / Math.max(1e-3, seconds);
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  const left = rate > 0 ? `, ${Math.ceil((total - done) / rate)} s left` : "";
  return `${format(done)} of ${format(total)} (${percent} %), ${format(Math.round(rate))}/s${left}`;
}
