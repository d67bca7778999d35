// Signals for commands that have something to say or to keep before they end.

import { Failure } from "../../words/failure.ts";
import { onSignals } from "../../words/signals.ts";

export interface Interrupt {
  /** Aborted by the first signal; its reason is a Failure with the signal's exit code. */
  readonly signal: AbortSignal;
  /** The process's usual handling again. */
  release(): void;
}

export function catchInterrupt(): Interrupt {
  const control = new AbortController();
  const release = onSignals((code, again) => {
    if (again) process.exit(code);
    control.abort(new Failure("Interrupted", code));
  });
  return { signal: control.signal, release };
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
