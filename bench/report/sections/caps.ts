// Throughput against the pool's cap, with its knee: the smallest cap that keeps 99 % of the best.

import { type KneeLine, type Section, sectionOf } from "../report.ts";
import { standing } from "../../../statistics/standing.ts";
import { tableOf } from "../figure.ts";
import {
  type ArmCell,
  CELL_COLUMNS,
  evenDashes,
  intervalNote,
  measured,
  spreadColumns,
  spreadOf,
  type Subject,
  sure,
  within,
} from "../subject.ts";
import { listed, shownCount } from "../../../words/shown.ts";

const ENOUGH = 0.99;
/** Fewer caps make no curve. */
const CURVE = 3;

interface Line extends KneeLine {
  readonly setting: string;
  /** Its medians have a knee, and single trials contradict it; or others disturbed them. */
  readonly doubtful: boolean;
  readonly cells: readonly ArmCell[];
}

export function caps(subject: Subject): Section {
  const section = sectionOf("caps", "Cap and knee");
  const lines = subject.settings.flatMap((setting) => linesOf(subject, setting));
  if (lines.length === 0) {
    return section(
      `No pool ran with ${CURVE} caps or more, so there is no curve; \`pool_cap\` as a list in the job makes one.`,
    );
  }
  const settings = [...new Set(lines.map(({ setting }) => setting))];
  const known = lines.filter(({ knee }) => knee !== null);
  const doubtful = lines.filter((line) => line.doubtful);
  const finding =
    known.length === 0
      ? doubtful.length > 0
        ? "No knee is shown: trials with smaller and with larger caps overlap, or were disturbed."
        : "No knee is found: the best is only reached at the largest cap."
      : `${listed(known.slice(0, 4).map((line) => `${line.label}${within(subject, line.setting)} reaches ${ENOUGH * 100} % of its best at a cap of ${line.knee}`))}.`;
  const cells = lines.flatMap(({ cells: own }) => own);
  return section(finding, {
    notes: [
      "The knee is the smallest cap from which on every median is at least 99 % of the largest.",
      ...prediction(cells),
      intervalNote(cells),
    ],
    charts: settings.map((setting) => ({
      kind: "knee" as const,
      caption: setting,
      x: { label: "cap: extra buffers at most", unit: "count", log: false, reach: [] },
      axis: { label: "IOPS", unit: "count", log: false, reach: [] },
      lines: evenDashes(
        lines
          .filter((line) => line.setting === setting)
          .map(({ label, colour, dash, points, knee }) => ({ label, colour, dash, points, knee })),
      ),
    })),
    table: tableOf(
      lines.flatMap(({ label, cells: own }) => own.map((cell) => ({ ...cell, arm: label }))),
      [
        ...CELL_COLUMNS,
        ["cap", "count", capOf],
        ...spreadColumns("iops", "count", ["IOPS", "interval from", "to"]),
        ["most extra buffers", "count", ({ cell }) => cell.median?.pool_length_peak ?? null],
      ],
    ),
  });
}

function linesOf(subject: Subject, setting: string): Line[] {
  const groups = new Map<string, ArmCell[]>();
  for (const cell of measured(subject, setting)) {
    const label =
      cell.arm
        .split(" · ")
        .filter((part) => !part.startsWith("cap "))
        .join(" · ") || cell.cell.values.pool;
    groups.set(label, [...(groups.get(label) ?? []), cell]);
  }
  return [...groups].flatMap(([label, found]): Line[] => {
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

function capOf({ cell }: ArmCell): number {
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

/** What a link that holds N frames predicts. */
function prediction(cells: readonly ArmCell[]): string[] {
  const held = new Set(
    cells.map(({ cell }) => `${cell.values.reclaim} ${cell.values.pool_prealloc}`),
  );
  return [...held].flatMap((text) => {
    const match = /^coalesce:(\d+)\/\S+ (\d+)$/.exec(text);
    if (match === null) return [];
    const [frames, own] = [Number(match[1]), Number(match[2])];
    return [
      `A link that holds ${shownCount(frames)} frames and a pool with ${shownCount(own)} preallocated buffers predict a knee at ${shownCount(Math.max(0, frames - own))}.`,
    ];
  });
}
