// What moved between commits, and where: each figure of each strategy as a line of marks, one for
// each commit.
//
//   ·  same     −  worse     +  better     ±  both     !  a broken invariant     ?  not known

import { compareCounts, TOTAL } from "../ab/counts.ts";
import { parseTable, type Table } from "../ab/exact.ts";
import { PRICES, RATE } from "../metric.ts";

export interface Move {
  /** Or `initiator` or `target`, of a count. */
  readonly strategy: string;
  readonly figure: string;
  /** Rows of the golden table, or counted cells, in which the figure is worse or better. */
  readonly worse: number;
  readonly better: number;
  /** The row that changed most, before and after. */
  readonly most: { readonly row: string; readonly before: number; readonly after: number };
}

/** Figures that differ between two tables, by strategy, and counts per command, by side. */
export function movesBetween(before: Table | null, after: Table | null): Move[] {
  if (before === null || after === null || "failure" in before || "failure" in after) return [];
  const found = new Map<string, Move>();
  for (const { strategy, figure, most } of [
    ...figuresMoved(before.text, after.text),
    ...countsMoved(before.counts, after.counts),
  ]) {
    const key = `${strategy} ${figure}`;
    const sofar = found.get(key);
    const isBetter = most.after > most.before === (figure === RATE);
    found.set(key, {
      strategy,
      figure,
      worse: (sofar?.worse ?? 0) + (isBetter ? 0 : 1),
      better: (sofar?.better ?? 0) + (isBetter ? 1 : 0),
      most: sofar === undefined || change(most) > change(sofar.most) ? most : sofar.most,
    });
  }
  return [...found.values()];
}

/** One figure of one row. */
type Moved = Pick<Move, "strategy" | "figure" | "most">;

function figuresMoved(before: string, after: string): Moved[] {
  if (before === after) return [];
  const old = parseTable(before);
  return [...parseTable(after)].flatMap(([row, values]) => {
    const other = old.get(row);
    return [RATE, ...PRICES].flatMap((figure): Moved[] => {
      const [a, b] = [Number(other?.get(figure)), Number(values.get(figure))];
      const strategy = values.get("strategy") ?? "";
      return a < b || a > b ? [{ strategy, figure, most: { row, before: a, after: b } }] : [];
    });
  });
}

function countsMoved(before: string | null, after: string | null): Moved[] {
  const { changes, commands } = compareCounts(before, after);
  return changes
    .filter(({ name }) => name === TOTAL)
    .map(({ cell, kind, base, head }) => ({
      strategy: cell.slice(0, cell.indexOf(" ")),
      figure: kind,
      most: { row: cell, before: base / commands, after: head / commands },
    }));
}

function change({ before, after }: Move["most"]): number {
  return Math.abs(Math.log((after + 1) / (before + 1)));
}

/**
 * `moves`: of each commit beside the one before it; null: a broken invariant; undefined: not
 * known.
 */
export function drawMoves(moves: readonly (readonly Move[] | null | undefined)[]): string {
  const all = moves.flatMap((of) => of ?? []);
  const names = [...new Set(all.map(({ strategy, figure }) => `${strategy} ${figure}`))];
  const width = Math.max(0, ...names.map((name) => name.length));
  const lines = names.map((name) => {
    const marks = moves.map((of) => {
      if (of === null) return "!";
      if (of === undefined) return "?";
      const one = of.find(({ strategy, figure }) => `${strategy} ${figure}` === name);
      if (one === undefined) return "·";
      return one.worse > 0 ? (one.better > 0 ? "±" : "−") : "+";
    });
    return `${name.padEnd(width)}  ${marks.join("")}\n`;
  });
  return lines.join("");
}
