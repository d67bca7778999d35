// Throughput by arm, with intervals.

import type { NumberKey } from "../../load/figures.ts";
import { type Section, sectionOf } from "../report.ts";
import { type Standing, standing } from "../../../statistics/standing.ts";
import { valuesOf } from "../../result/cell_figures.ts";
import { floorColumn, floorNote } from "./floor.ts";
import { tableOf } from "../figure.ts";
import {
  allMeasured,
  type ArmCell,
  bandOf,
  measured,
  settingsOf,
  spreadOf,
  type Subject,
  sure,
  within,
  type Spread,
} from "../../result/arm_cells.ts";
import { CELL_COLUMNS, disturbedNote, intervalNote, spreadColumns, unsure } from "../subject.ts";
import { plural, shownCount, shownShare } from "../../../words/shown.ts";

const AXIS = { label: "IOPS", unit: "count", log: false, reach: [] } as const;

export function throughput(subject: Subject): Section {
  const section = sectionOf("throughput", "Throughput");
  const cells = allMeasured(subject);
  const settings = settingsOf(cells);
  if (cells.length === 0) return section("No trial ended well, so there is no throughput to show.");
  const charts = settings.map((setting) => ({
    kind: "intervals" as const,
    caption: setting,
    axis: AXIS,
    names: ["IOPS"],
    rows: measured(subject, setting).map((cell) => ({
      label: cell.arm,
      colour: cell.colour,
      spreads: [spreadOf(cell, "iops")],
    })),
    reference: null,
  }));
  return section(finding(subject, settings), {
    notes: [
      intervalNote(cells),
      ...(settings.length > 1 ? ["Each chart has its own scale."] : []),
      ...floorNote(cells),
      ...failures(subject),
      ...disturbedNote(cells),
    ],
    charts,
    table: tableOf(cells, [
      ...CELL_COLUMNS,
      ["trials", "count", (cell) => spreadOf(cell, "iops").values.length],
      ...spreadColumns("iops", "count", ["IOPS", "interval from", "to"]),
      ["retransmits, all trials", "count", (cell) => sum(cell, "retransmits")],
      ["drops, all trials", "count", (cell) => sum(cell, "receive_drops")],
      ["floor", (cell) => floorColumn(cell, ({ iops }) => iops, "count")],
    ]),
  });
}

function sum({ cell }: ArmCell, key: NumberKey): number {
  return valuesOf(cell.trials, key).reduce((total, value) => total + value, 0);
}

interface Range {
  readonly setting: string;
  readonly best: ArmCell;
  readonly worst: ArmCell;
  readonly high: Spread;
  readonly low: Spread;
  readonly standing: Standing;
}

/** The slowest and the fastest arm of a setting, and whether their trials tell them apart. */
function rangeOf(subject: Subject, setting: string): Range[] {
  const ranked = sure(measured(subject, setting))
    .map((cell) => ({ cell, spread: spreadOf(cell, "iops") }))
    .sort((a, b) => a.spread.median - b.spread.median);
  const [worst] = ranked;
  const best = ranked.at(-1);
  if (worst === undefined || best === undefined) return [];
  const [low, high] = [worst.spread, best.spread];
  return [
    {
      setting,
      best: best.cell,
      worst: worst.cell,
      high,
      low,
      standing: standing(low.values, high.values, bandOf(worst.cell, best.cell)),
    },
  ];
}

/** Where the arms differ most, and in how many settings they don't: as far as their trials show it. */
function finding(subject: Subject, settings: readonly string[]): string {
  const ranges = settings.flatMap((setting) => rangeOf(subject, setting));
  if (ranges.length === 0) return unsure(subject.cells);
  if (ranges.every(({ best, worst }) => best === worst)) {
    const rates = ranges.map(({ high }) => high.median);
    return rates.length === 1
      ? `${shownCount(Math.max(...rates))} IOPS.`
      : `${shownCount(Math.min(...rates))} to ${shownCount(Math.max(...rates))} IOPS over ${plural(ranges.length, "setting")}.`;
  }
  const ratio = ({ low, high }: Range): number => low.median / high.median;
  const ordered = ranges.toSorted((a, b) => ratio(a) - ratio(b));
  const alike = ranges.filter((one) => one.standing === "beside");
  const apart = ordered.find((one) => one.standing === "below");
  const [widest] = ordered;
  if (apart !== undefined) {
    const { best, high, low, setting, worst } = apart;
    const others =
      alike.length === 0
        ? ""
        : `; in ${alike.length} of ${plural(ranges.length, "setting")} no arm is far from another`;
    return `${worst.arm} runs at ${shownShare(ratio(apart))} of ${best.arm}${within(subject, setting)}: ${shownCount(low.median)} against ${shownCount(high.median)} IOPS${others}.`;
  }
  if (widest === undefined || alike.length === ranges.length) {
    return `No arm is far from another: the slowest runs at ${shownShare(widest === undefined ? 1 : ratio(widest))} of the fastest${within(subject, widest?.setting ?? "")}.`;
  }
  const told = ordered.find((one) => one.standing === "unclear") ?? widest;
  const range = ({ values }: Spread): string =>
    `${shownCount(Math.min(...values))} to ${shownCount(Math.max(...values))}`;
  return `Which arm is faster is not shown: trials of ${told.worst.arm} reach ${range(told.low)} IOPS, those of ${told.best.arm} ${range(told.high)}${within(subject, told.setting)}.`;
}

function failures(subject: Subject): string[] {
  const failed = subject.cells.flatMap(({ cell, arm, setting }) =>
    cell.trials.flatMap(({ failure }) =>
      failure === null ? [] : [`${arm} (${setting}): ${failure}`],
    ),
  );
  if (failed.length === 0) return [];
  return [
    `${plural(failed.length, "trial")} failed and stand in no figure; the first: ${failed[0]}`,
  ];
}
