// The matrix of the first screen, as page and Markdown draw it: a block for settings with the same arms.
// The longer side makes the rows; where the other is one, all stands in one row if it has room.

import { figure } from "./figure.ts";
import type { Matrix, MatrixCell } from "./report.ts";
import { type Entry, headroomText, intervalText } from "../result/first_screen.ts";
import { shownTime } from "../../words/shown.ts";

export function matrices(entries: readonly Entry[]): Matrix[] {
  const settings = [...Map.groupBy(entries, ({ setting }) => setting)];
  const blocks = Map.groupBy(settings, ([, own]) => JSON.stringify(own.map(({ arm }) => arm)));
  return [...blocks.values()].map((block): Matrix => {
    const names = block.map(([setting]) => setting);
    const arms = block[0]?.[1].map(({ arm }) => arm) ?? [];
    const cells = block.map(([, own]) => own.map(cellOf));
    const flat = Math.min(names.length, arms.length) === 1 && cells.flat().length <= WIDEST;
    if (names.length > arms.length !== flat)
      return { corner: "setting", columns: arms, rows: names, cells };
    const turned = arms.map((_, arm) => cells.flatMap((row) => row[arm] ?? []));
    return { corner: "arm", columns: names, rows: arms, cells: turned };
  });
}

const WIDEST = 7;

function cellOf(entry: Entry): MatrixCell {
  const { doubts, exact, figures } = entry;
  const headroom = headroomText(entry);
  return {
    iops: figure(figures?.iops ?? null, "count"),
    interval: intervalText(entry),
    facts:
      figures === null
        ? []
        : [
            `p99 ${shownTime(figures.lat_p99_ns)}`,
            headroom === "–" ? "no headroom" : `headroom ${headroom}`,
          ],
    trust: doubts.length > 0 ? doubts.join(", ") : exact ? "exact" : "trusted",
    trusted: doubts.length === 0,
  };
}
