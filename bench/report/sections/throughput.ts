// Throughput by arm, with intervals.

import { type Section, section, type TableCell } from "../report.ts";
import { valuesOf } from "../../cell_figures.ts";
import { floorColumn, floorNote } from "./floor.ts";
import { figure, plural, shownCount, shownShare } from "../shown.ts";
import {
  type ArmCell,
  intervalNote,
  measured,
  spreadOf,
  type Subject,
  within,
} from "../subject.ts";

const AXIS = { label: "IOPS", unit: "count", log: false, reach: [] } as const;

/** Medians within this of each other are called alike: it is a description, not a verdict. */
const ALIKE = 0.1;

export function throughput(subject: Subject): Section {
  const id = "throughput";
  const topic = "Throughput";
  const settings = subject.settings.filter((setting) => measured(subject, setting).length > 0);
  const cells = settings.flatMap((setting) => measured(subject, setting));
  if (cells.length === 0)
    return section(id, topic, "No trial ended well, so there is no throughput to show.");
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
  return section(id, topic, finding(subject, settings), {
    notes: [
      intervalNote(cells),
      ...(settings.length > 1 ? ["Each chart has a scale of its own."] : []),
      ...floorNote(cells),
      ...failures(subject),
    ],
    charts,
    table: {
      columns: [
        "setting",
        "arm",
        "trials",
        "IOPS",
        "interval from",
        "to",
        "retransmits, all trials",
        "drops, all trials",
        "floor",
      ],
      rows: cells.map(row),
    },
  });
}

function row(cell: ArmCell): TableCell[] {
  const spread = spreadOf(cell, "iops");
  const sum = (key: "retransmits" | "receive_drops"): TableCell =>
    figure(
      valuesOf(cell.cell.trials, key).reduce((total, value) => total + value, 0),
      "count",
    );
  return [
    cell.setting,
    cell.arm,
    figure(spread.values.length, "count"),
    figure(spread.median, "count"),
    figure(spread.low, "count"),
    figure(spread.high, "count"),
    sum("retransmits"),
    sum("receive_drops"),
    floorColumn(cell, ({ iops }) => iops, "count"),
  ];
}

interface Range {
  readonly setting: string;
  readonly best: ArmCell;
  readonly worst: ArmCell;
  readonly high: number;
  readonly low: number;
}

/** Where the arms differ most, and in how many settings they don't. */
function finding(subject: Subject, settings: readonly string[]): string {
  const ranges = settings.flatMap((setting): Range[] => {
    const ranked = measured(subject, setting)
      .map((cell) => ({ cell, median: spreadOf(cell, "iops").median }))
      .sort((a, b) => a.median - b.median);
    const [worst] = ranked;
    const best = ranked.at(-1);
    if (worst === undefined || best === undefined) return [];
    return [{ setting, best: best.cell, worst: worst.cell, high: best.median, low: worst.median }];
  });
  const [first] = ranges;
  if (first === undefined) return "There is nothing to compare.";
  const widest = ranges.reduce((a, b) => (b.low * a.high < a.low * b.high ? b : a), first);
  const alike = ranges.filter(({ low, high }) => low >= (1 - ALIKE) * high).length;
  if (subject.cells.length === 1 || ranges.every(({ best, worst }) => best === worst)) {
    const rates = ranges.map(({ high }) => high);
    return rates.length === 1
      ? `${shownCount(widest.high)} IOPS.`
      : `${shownCount(Math.min(...rates))} to ${shownCount(Math.max(...rates))} IOPS over ${plural(ranges.length, "setting")}.`;
  }
  if (alike === ranges.length) {
    return `No arm is far from another: the slowest runs at ${shownShare(widest.low / widest.high)} of the fastest${within(subject, widest.setting)}.`;
  }
  const others =
    alike === 0
      ? ""
      : `; in ${alike} of ${plural(ranges.length, "setting")} all arms are within ${shownShare(ALIKE)}`;
  return `${widest.worst.arm} runs at ${shownShare(widest.low / widest.high)} of ${widest.best.arm}${within(subject, widest.setting)}: ${shownCount(widest.low)} against ${shownCount(widest.high)} IOPS${others}.`;
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
