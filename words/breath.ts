// Bun's own loop has its turn within a long computation, so that a signal is heard: a handler runs nowhere else.

/** ms between two turns. */
const EVERY = 50;

/** What a loop awaits at each of its steps: mostly nothing. */
export function createBreath(): () => Promise<void> | null {
  let at = performance.now();
  return () => {
    if (performance.now() - at < EVERY) return null;
    return new Promise((resolve) => {
      setImmediate(() => {
        at = performance.now();
        resolve();
      });
    });
  };
}
