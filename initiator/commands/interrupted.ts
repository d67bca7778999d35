// Ctrl-C and SIGTERM for commands that have something to say before they end.

import { Failure } from "../../words/failure.ts";

export interface Interrupt {
  /** Aborted by the first signal; its reason is a Failure with the signal's exit code. */
  readonly signal: AbortSignal;
  /** The process's usual handling again. */
  release(): void;
}

const CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Ms within which signals are one: timeout(1) signals its command, and then the whole process group. */
const TOGETHER = 500;

export function catchInterrupt(): Interrupt {
  const control = new AbortController();
  let first = 0;
  const handlers = Object.entries(CODES).map(([signal, code]) => {
    const handler = (): void => {
      const at = performance.now();
      if (control.signal.aborted) {
        // A second one means now.
        if (at - first > TOGETHER) process.exit(code);
        return;
      }
      first = at;
      control.abort(new Failure("Interrupted", code));
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  return {
    signal: control.signal,
    release() {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
}

/** Waits so many ms, or until the signal comes. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
