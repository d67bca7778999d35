// The smallest cap that is enough: from which on every median is at least 99 % of the largest.

import { standing } from "../../statistics/standing.ts";
import { type ArmCell, measured, type Spread, spreadOf, type Subject, sure } from "./arm_cells.ts";

export const ENOUGH = 0.99;
/** Fewer caps make no curve. */
export const CURVE = 3;

export interface CapLine {
  readonly setting: string;
  /** The arm without its cap. */
  readonly label: string;
  readonly colour: number;
  readonly dash: number;
  readonly points: readonly (Spread & { readonly x: number })[];
  /** null: the best is only reached at the largest cap, or the knee is doubtful. */
  readonly knee: number | null;
  /** Its medians have a knee, and single trials contradict it; or others disturbed them. */
  readonly doubtful: boolean;
  readonly cells: readonly ArmCell[];
}

/** Of every arm that ran with enough caps in a setting. */
export function capLines(subject: Subject, setting: string): CapLine[] {
  const groups = new Map<string, ArmCell[]>();
  for (const cell of measured(subject, setting)) {
    const label =
      cell.arm
        .split(" · ")
        .filter((part) => !part.startsWith("cap "))
        .join(" · ") || cell.cell.values.pool;
    groups.set(label, [...(groups.get(label) ?? []), cell]);
  }
  return [...groups].flatMap(([label, found]): CapLine[] => {
    const cells = found.toSorted((a, b) => capOf(a) - capOf(b));
    const points = cells.map((cell) => ({ x: capOf(cell), ...spreadOf(cell, "iops") }));
    const [first] = cells;
    if (first === undefined || new Set(points.map(({ x }) => x)).size < CURVE) return [];
    const { colour, dash } = first;
    const knee = kneeOf(points);
    const doubtful = knee !== null && !isShown(knee, points, cells);
    return [
      { setting, label, colour, dash, points, cells, knee: doubtful ? null : knee, doubtful },
    ];
  });
}

export function capOf({ cell }: ArmCell): number {
  return Number(cell.values.pool_cap);
}

/** null: only the largest cap reaches it, so it may go on rising. */
export function kneeOf(points: readonly { x: number; median: number }[]): number | null {
  const best = Math.max(...points.map(({ median }) => median));
  let knee: number | null = null;
  for (const { x, median } of points.toReversed()) {
    if (median < ENOUGH * best) break;
    knee = x;
  }
  return knee === points.at(-1)?.x ? null : knee;
}

/** No trial with a smaller cap comes up to any from the knee on, and nobody disturbed them. */
function isShown(
  knee: number,
  points: readonly { readonly x: number; readonly values: readonly number[] }[],
  cells: readonly ArmCell[],
): boolean {
  if (sure(cells).length < cells.length) return false;
  const from = points.filter(({ x }) => x >= knee).flatMap(({ values }) => values);
  return points.every(({ x, values }) => x >= knee || standing(values, from, 0) === "below");
}

/** What a link that holds N frames predicts, for each such link among the cells. */
export function predictedKnees(
  cells: readonly ArmCell[],
): { readonly frames: number; readonly own: number; readonly knee: number }[] {
  const held = new Set(
    cells.map(({ cell }) => `${cell.values.reclaim} ${cell.values.pool_prealloc}`),
  );
  return [...held].flatMap((text) => {
    const match = /^coalesce:(\d+)\/\S+ (\d+)$/.exec(text);
    if (match === null) return [];
    const [frames, own] = [Number(match[1]), Number(match[2])];
    return [{ frames, own, knee: Math.max(0, frames - own) }];
  });
}
