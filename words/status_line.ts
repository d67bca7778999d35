// A line on standard error that rewrites itself on a terminal. It is cut to the terminal's width: what wraps
// could not be taken away again.

import { printable } from "./printable.ts";
import { widthOf } from "./table.ts";

export interface StatusLine {
  /** On a terminal in the place of what it showed before; elsewhere nothing. */
  show(text: string): void;
  /** A line that stays, in the place of what it showed before. */
  keep(text: string): void;
  /** A step: it stays where `stays`, and where there is no terminal to rewrite it on. */
  step(text: string, stays: boolean): void;
  clear(): void;
}

export function createStatusLine(stream: NodeJS.WriteStream = process.stderr): StatusLine {
  const terminal = stream.isTTY === true;
  let visible = false;
  const clear = (): void => {
    if (visible) stream.write("\r\x1b[2K");
    visible = false;
  };
  const show = (text: string): void => {
    if (!terminal) return;
    // The last column stays free: who writes there is on the next line in some terminals.
    stream.write(`\r${cut(printable(text), widthOf(stream) - 1)}\x1b[K`);
    visible = true;
  };
  const keep = (text: string): void => {
    clear();
    stream.write(`${printable(text)}\n`);
  };
  const step = (text: string, stays: boolean): void =>
    terminal && !stays ? show(text) : keep(text);
  return { show, keep, step, clear };
}

/** As much of `text` as `width` columns have. */
function cut(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let end = Math.min(text.length, width);
  while (Bun.stringWidth(text.slice(0, end)) > width) end--;
  return text.slice(0, end);
}
