// The whole distribution of latencies, all trials of a cell together: latency against percentile, whose
// axis is logarithmic in what is left above it, so that the tail has as much room as the middle.

import { Histogram } from "../../histogram.ts";
import { latencyBuckets } from "../load_block.ts";
import { type Curve, type Section, section } from "../report.ts";
import { figure, shownTime } from "../shown.ts";
import { type ArmCell, evenDashes, measured, type Subject, within } from "../subject.ts";

/** Drawn at: eight points for each power of ten of what is left, up to five nines. */
const PERCENTILES = Array.from({ length: 41 }, (_, at) => 100 * (1 - 10 ** (-at / 8)));
/** In the table. */
const NAMED = [50, 90, 99, 99.9, 99.99];

interface Merged {
  readonly cell: ArmCell;
  readonly histogram: Histogram;
}

export function percentiles(subject: Subject): Section {
  const id = "percentiles";
  const topic = "Latency curves";
  const merged = subject.settings.flatMap((setting) =>
    measured(subject, setting).flatMap((cell): Merged[] => {
      const histogram = new Histogram();
      for (const trial of cell.cell.trials) {
        if (trial.failure === null) histogram.addBuckets(latencyBuckets(trial));
      }
      return histogram.count === 0 ? [] : [{ cell, histogram }];
    }),
  );
  if (merged.length === 0) {
    return section(id, topic, "The result has no latency buckets, so there are no curves to draw.");
  }
  const reach = merged.flatMap(({ histogram }) => [histogram.percentile(1), histogram.max]);
  const settings = [...new Set(merged.map(({ cell }) => cell.setting))];
  return section(id, topic, finding(subject, merged), {
    notes: [
      "Each step to the right leaves a tenth of the commands of the step before above it. A curve ends where fewer than one command would be left.",
    ],
    charts: settings.map((setting) => ({
      kind: "percentiles" as const,
      caption: setting,
      axis: { label: "latency", unit: "time", log: true, reach },
      curves: evenDashes(merged.filter(({ cell }) => cell.setting === setting).map(curve)),
    })),
    table: {
      columns: ["setting", "arm", "commands", ...NAMED.map((p) => `${p} %`), "longest"],
      rows: merged.map(({ cell, histogram }) => [
        cell.setting,
        cell.arm,
        figure(histogram.count, "count"),
        ...NAMED.map((p) => figure(histogram.percentile(p), "time")),
        figure(histogram.max, "time"),
      ]),
    },
  });
}

function curve({ cell, histogram }: Merged): Curve {
  // From the first percentile on: the very least says little and would stretch the axis.
  const points = [1, ...PERCENTILES.slice(1)]
    .filter((p) => (1 - p / 100) * histogram.count >= 1)
    .map((p) => [p, histogram.percentile(p)] as const);
  return { label: cell.arm, colour: cell.colour, dash: cell.dash, points };
}

/** Whose tail is longest against its own middle. */
function finding(subject: Subject, merged: readonly Merged[]): string {
  const tails = merged
    .map(({ cell, histogram }) => ({
      cell,
      p50: histogram.percentile(50),
      p999: histogram.percentile(99.9),
    }))
    .sort((a, b) => b.p999 / Math.max(1, b.p50) - a.p999 / Math.max(1, a.p50));
  const [longest] = tails;
  if (longest === undefined) throw new Error("invariant: there are curves");
  const times = Math.round(longest.p999 / Math.max(1, longest.p50));
  return `The longest tail is ${tails.length === 1 ? "" : `that of ${longest.cell.arm}${within(subject, longest.cell.setting)}: `}one command in a thousand takes more than ${shownTime(longest.p999)}, ${times} times the median.`;
}
