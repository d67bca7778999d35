// The whole distribution of latencies: latency against percentile, whose axis is logarithmic in what is left above
// it, so that the tail has as much room as the middle. Each point is what every figure of a cell is: the median over
// the trials of that percentile of each (cell_figures.ts).

import { countedTrials } from "../../result/cell_figures.ts";
import { Histogram } from "../../../statistics/histogram.ts";
import { standing } from "../../../statistics/standing.ts";
import { median } from "../../../statistics/quantile.ts";
import { latencyBuckets } from "../load_block.ts";
import { type Curve, type Section, sectionOf } from "../report.ts";
import { type Column, tableOf } from "../figure.ts";
import {
  type ArmCell,
  bandOf,
  byGroup,
  allMeasured,
  settingsOf,
  type Subject,
  sure,
  within,
} from "../../result/arm_cells.ts";
import { evenDashes, OF_CELL, unsure } from "../subject.ts";
import { shownTime } from "../../../words/shown.ts";

/** Drawn at: eight points for each power of ten of what is left, up to five nines. */
const PERCENTILES = Array.from({ length: 41 }, (_, at) => 100 * (1 - 10 ** (-at / 8)));
/** In the table. */
const NAMED = [50, 90, 99, 99.9, 99.99];

interface Measured {
  readonly cell: ArmCell;
  /** One a trial. */
  readonly histograms: readonly Histogram[];
}

export function percentiles(subject: Subject): Section {
  const section = sectionOf("percentiles", "Latency curves");
  const all = allMeasured(subject).flatMap((cell): Measured[] => {
    const histograms = countedTrials(cell.cell.trials).map((trial) => {
      const histogram = new Histogram();
      histogram.addBuckets(latencyBuckets(trial));
      // A bucket knows its longest to a thousandth only.
      histogram.bound(trial.figures.lat_max_ns ?? 0);
      return histogram;
    });
    return percentile({ histograms }, 50) === null ? [] : [{ cell, histograms }];
  });
  if (all.length === 0) {
    return section("The result has no latency buckets, so there are no curves to draw.");
  }
  const groups = byGroup(all, ({ cell }) => cell);
  const reachOf = (setting: string): number[] =>
    (groups.find((own) => own.some(({ cell }) => cell.setting === setting)) ?? []).flatMap((one) =>
      curve(one).points.map(([, value]) => value),
    );
  return section(groups.map((own) => finding(subject, own)).join(" "), {
    notes: [
      "Each step to the right leaves a tenth of the commands of the step before above it. A point is the median over the trials of that percentile of each trial's commands; a curve ends where a trial has fewer than one command left.",
    ],
    charts: settingsOf(all.map(({ cell }) => cell)).map((setting) => ({
      kind: "percentiles" as const,
      caption: setting,
      axis: { label: "latency", unit: "time", log: true, reach: reachOf(setting) },
      curves: evenDashes(all.filter(({ cell }) => cell.setting === setting).map(curve)),
    })),
    table: tableOf(all, [
      ...OF_CELL,
      [
        "commands, all trials",
        "count",
        ({ histograms }) => histograms.reduce((sum, { count }) => sum + count, 0),
      ],
      ...NAMED.map((p): Column<Measured> => [`${p} %`, "time", (one) => percentile(one, p)]),
      ["longest", "time", ({ cell }) => cell.cell.median?.lat_max_ns ?? null],
    ]),
  });
}

function percentile({ histograms }: Pick<Measured, "histograms">, p: number): number | null {
  const value = median(histograms.map((one) => one.percentile(p) ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(value) ? value : null;
}

function curve(one: Measured): Curve {
  const { cell, histograms } = one;
  const fewest = Math.min(...histograms.flatMap(({ count }) => (count === 0 ? [] : [count])));
  // From the first percentile on: the very least says little and would stretch the axis.
  const points = [1, ...PERCENTILES.slice(1)]
    .filter((p) => (1 - p / 100) * fewest >= 1)
    .flatMap((p) => {
      const value = percentile(one, p);
      return value === null ? [] : [[p, value] as const];
    });
  return { label: cell.arm, colour: cell.colour, dash: cell.dash, points };
}

/** Below so many commands in a trial one in a thousand is none of them. */
const TAIL = 1000;

/** Whose tail is longest against its own middle, where the trials show it. */
function finding(subject: Subject, all: readonly Measured[]): string {
  const known = all.filter(({ cell }) => sure([cell]).length > 0);
  if (known.length === 0) return unsure(all.map(({ cell }) => cell));
  const tails = known
    .filter(({ histograms }) => histograms.every(({ count }) => count >= TAIL))
    .map((one) => ({ ...one, times: one.histograms.map(timesOf), p999: percentile(one, 99.9) }))
    .sort((a, b) => median(b.times) - median(a.times));
  const [longest, ...others] = tails;
  if (longest === undefined) {
    return `No arm has ${TAIL.toLocaleString("en-US")} commands in each trial, so one in a thousand can't be told.`;
  }
  const what = `one command in a thousand takes more than ${shownTime(longest.p999)}, ${Math.round(median(longest.times))} times the median`;
  if (others.length === 0) return `${what.charAt(0).toUpperCase()}${what.slice(1)}.`;
  const whose = `${longest.cell.arm}${within(subject, longest.cell.setting)}`;
  const stands = others.every(
    ({ cell, times }) => standing(times, longest.times, bandOf(cell, longest.cell)) === "below",
  );
  if (stands) return `The longest tail is that of ${whose}: ${what}.`;
  return `No arm's tail stands out: with ${whose} ${what}, and others' trials come close.`;
}

/** The tail of a trial, in times its median. */
function timesOf(histogram: Histogram): number {
  return (histogram.percentile(99.9) ?? 0) / Math.max(1, histogram.percentile(50) ?? 0);
}
