// How a signal is heard in the midst of a rule, whose questions are synchronous: a wait that a signal ends throws, and
// Bun's own loop, where handlers run, has its turn before it goes on.

/** A signal came while an answer was waited for. */
export class Interrupted extends Error {}

/** Lets signals be heard; false: one has come that ends the run. A second one ends the process from within. */
export type Turn = () => Promise<boolean>;

/** Does `act`, once more where a signal that ends nothing came meanwhile; false: the run is over. */
export async function unlessEnded(turn: Turn, act: () => void | Promise<void>): Promise<boolean> {
  while (await turn()) {
    if (await isWhole(act)) return true;
  }
  return false;
}

/** Does `act` whatever the first signal says. */
export async function evenIfEnded(turn: Turn, act: () => void): Promise<void> {
  while (!(await isWhole(act))) await turn();
}

async function isWhole(act: () => void | Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (error instanceof Interrupted) return false;
    throw error;
  }
}
