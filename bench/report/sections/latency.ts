// Latency by arm: the median and the 99th percentile of each trial, with intervals over trials.

import { floorColumn, floorLatency } from "./floor.ts";
import { type Section, sectionOf } from "../report.ts";
import { standing } from "../../../statistics/standing.ts";
import { tableOf } from "../figure.ts";
import {
  allMeasured,
  type ArmCell,
  bandOf,
  byGroup,
  measured,
  settingsOf,
  spreadOf,
  type Subject,
  sure,
  within,
} from "../../result/arm_cells.ts";
import {
  CELL_COLUMNS,
  disturbedNote,
  drawable,
  intervalNote,
  spreadColumns,
  unsure,
} from "../subject.ts";
import { shownTime } from "../../../words/shown.ts";

export function latency(subject: Subject): Section {
  const section = sectionOf("latency", "Latency");
  const cells = allMeasured(subject);
  if (cells.length === 0) return section("No trial ended well, so there is no latency to show.");
  const timed = cells.filter((cell) => drawable(spreadOf(cell, "lat_p99_ns")).length > 0);
  if (timed.length === 0) {
    return section("No command ended in the measured time, so there is no latency to show.");
  }
  const groups = byGroup(timed, (cell) => cell);
  const reachOf = (setting: string): number[] =>
    (groups.find((own) => own.some((cell) => cell.setting === setting)) ?? []).flatMap((cell) => [
      ...spreadOf(cell, "lat_p50_ns").values.filter(Number.isFinite),
      ...spreadOf(cell, "lat_p99_ns").values.filter(Number.isFinite),
      ...(cell.cell.floor?.lat_p50_ns == null ? [] : [cell.cell.floor.lat_p50_ns]),
    ]);
  return section(groups.map((own) => finding(subject, own)).join(" "), {
    notes: [
      "From when a command was due until it ended; in a closed loop it is due when it can be submitted. The axis is logarithmic.",
      intervalNote(cells),
      ...disturbedNote(cells),
    ],
    charts: settingsOf(cells).map((setting) => ({
      reference: floorLatency(measured(subject, setting)),
      kind: "intervals" as const,
      caption: setting,
      axis: { label: "latency", unit: "time", log: true, reach: reachOf(setting) },
      names: ["median", "99th percentile"],
      rows: measured(subject, setting).map((cell) => ({
        label: cell.arm,
        colour: cell.colour,
        spreads: [
          ...drawable(spreadOf(cell, "lat_p50_ns")),
          ...drawable(spreadOf(cell, "lat_p99_ns")),
        ],
      })),
    })),
    table: tableOf(cells, [
      ...CELL_COLUMNS,
      ...spreadColumns("lat_p50_ns", "time", ["median", "from", "to"]),
      ...spreadColumns("lat_p99_ns", "time", ["99th percentile", "from", "to"]),
      ["floor's median", (cell) => floorColumn(cell, ({ lat_p50_ns }) => lat_p50_ns, "time")],
    ]),
  });
}

/** The shortest and the longest 99th percentile, ranked only where the trials show it. */
function finding(subject: Subject, timed: readonly ArmCell[]): string {
  const ranked = sure(timed)
    .map((cell) => ({ cell, spread: spreadOf(cell, "lat_p99_ns") }))
    .sort((a, b) => a.spread.median - b.spread.median);
  const [least] = ranked;
  const most = ranked.at(-1);
  if (least === undefined || most === undefined) return unsure(timed);
  if (least === most) {
    const half = spreadOf(least.cell, "lat_p50_ns").median;
    return `Half of all commands end within ${shownTime(half)}, 99 % within ${shownTime(least.spread.median)}.`;
  }
  const name = ({ cell }: typeof least): string => `${cell.arm}${within(subject, cell.setting)}`;
  const order = standing(least.spread.values, most.spread.values, bandOf(least.cell, most.cell));
  const ends = `99 % of commands end within ${shownTime(least.spread.median)}`;
  if (order === "below") {
    return `${ends} with ${name(least)}, and within ${shownTime(most.spread.median)} with ${name(most)}.`;
  }
  const apart = order === "beside" ? "no arm is far from another" : "no order of arms is shown";
  return `${ends} to ${shownTime(most.spread.median)}, by arm; ${apart}.`;
}
