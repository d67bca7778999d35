// In which order trials run, so that what drifts on the machine meanwhile falls on all alike.
//
//   random   each round all cells in a seeded order of its own; a cell's arms beside each other,
//            turned round from round to round (A B, then B A)
//   abba     cells forwards in one round and backwards in the next, arms likewise
//
// One block of A and then one of B is never an order: a machine that warms up, or a neighbour that begins to
// work, would then look like a difference.

import { createRandom, type Random } from "../../words/random.ts";

export interface Turn<C> {
  readonly cell: C;
  /** Which arm, from 0. */
  readonly arm: number;
}

export function schedule<C>(
  cells: readonly C[],
  rounds: number,
  arms: number,
  order: "random" | "abba",
  seed: number,
): Turn<C>[] {
  const turns: Turn<C>[] = [];
  for (let round = 0; round < rounds; round++) {
    const back = round % 2 === 1;
    const inTurn =
      order === "abba"
        ? back
          ? cells.toReversed()
          : cells
        : shuffled(cells, createRandom(seed).fork(`round ${round}`));
    for (const cell of inTurn) {
      for (let arm = 0; arm < arms; arm++) turns.push({ cell, arm: back ? arms - 1 - arm : arm });
    }
  }
  return turns;
}

export function shuffled<C>(cells: readonly C[], random: Random): C[] {
  const left = [...cells];
  for (let last = left.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const [a, b] = [left[last] as C, left[other] as C];
    left[last] = b;
    left[other] = a;
  }
  return left;
}
