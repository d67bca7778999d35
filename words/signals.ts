// The signals that end a command, by one rule for all commands:
//
//   the first     the command ends soon: what it has finished is kept, what it has begun is taken back
//   the second    it ends at once
//
// What goes on until then comes to a good end by it, 0: a target, `aoe initiator nbd`, `ping`, `decode --interface` and
// `lab late pulse`. Every other command ends with 128 + the signal's number. SIGHUP that was ignored at the start (nohup) stays ignored; a target with a configuration
// reads it again.

/** Exit codes by signal. */
export const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type EndSignal = keyof typeof SIGNALS;

/** Ms within which signals are one: timeout(1) signals its command, and then the whole process group. */
const TOGETHER = 500;

/**
 * Calls `told` with the exit code at each of `signals`, `again` where it is not the first, until what is returned is
 * called.
 */
export function onSignals(
  told: (code: number, again: boolean) => void,
  signals = Object.keys(SIGNALS) as readonly EndSignal[],
): () => void {
  let first = Number.NaN;
  const handlers = signals.map((signal) => {
    const code = SIGNALS[signal];
    const handler = (): void => {
      const at = performance.now();
      if (Number.isNaN(first)) {
        first = at;
        told(code, false);
      } else if (at - first > TOGETHER) {
        told(code, true);
      }
    };
    // aoe.ts listens to every signal that is not ignored.
    const ignored = signal === "SIGHUP" && process.listenerCount(signal) === 0;
    if (!ignored) process.on(signal, handler);
    return [signal, handler] as const;
  });
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
