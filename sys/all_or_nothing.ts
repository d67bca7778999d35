// Opening what takes several steps: where one fails, those before it are undone.

/** Runs `open`; where it throws, all that it has handed to `undo` is run, the last first, and the error goes on. */
export function allOrNothing<T>(open: (undo: (giveBack: () => void) => void) => T): T {
  const done: (() => void)[] = [];
  try {
    return open((giveBack) => done.push(giveBack));
  } catch (error) {
    for (const giveBack of done.toReversed()) giveBack();
    throw error;
  }
}
