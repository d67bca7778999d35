// A command that measures and is told to end throws away the trial in hand, and keeps and shows all that was finished,
// marked as cut short.

import { EXIT, Failure } from "../../words/failure.ts";

/** Awaits `work`; true: the signal came first, and what `work` had finished stands where it put it. */
export async function untilCut(
  signal: AbortSignal | undefined,
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work();
    return false;
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    return true;
  }
}

/** The exit code of who was told to end. */
export function codeOf(signal: AbortSignal): number {
  return signal.reason instanceof Failure ? signal.reason.exitCode : EXIT.failed;
}
