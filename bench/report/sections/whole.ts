// Whole commands, as hyperfine timed them.

import type { Spread } from "../../result/arm_cells.ts";
import { type Section, sectionOf } from "../report.ts";
import { figure, tableOf } from "../figure.ts";
import { medianInterval } from "../../../statistics/median_interval.ts";
import type { WholeComparison, WholeResult } from "../../whole/whole_result.ts";
import { listed, shownTime } from "../../../words/shown.ts";

const AXIS = { label: "time", unit: "time", log: false, reach: [] } as const;

export function whole(wholes: readonly WholeResult[]): Section {
  const section = sectionOf("whole", "Whole commands");
  const comparisons = wholes.flatMap((one) => one.comparisons);
  if (comparisons.length === 0) {
    return section("No whole command was timed: `aoe bench whole -o whole.json` does.");
  }
  return section(finding(comparisons), {
    notes: [
      `By hyperfine ${listed([...new Set(wholes.map(({ hyperfine }) => hyperfine))])}; dots are runs, the mark is their median, the bar an interval for it. Each chart has its own scale.`,
      ...wholes.flatMap(({ absent }) => absent),
    ],
    charts: comparisons.map(({ name, about, timings }) => ({
      kind: "intervals" as const,
      caption: `${name}: ${about}`,
      axis: AXIS,
      names: ["time"],
      reference: null,
      rows: timings.map((timing, at) => ({
        label: timing.name,
        colour: at,
        spreads: [spreadOf(timing.times_ns)],
      })),
    })),
    table: tableOf(
      comparisons.flatMap(({ name, bytes, timings }) =>
        timings.map((timing) => ({ ...spreadOf(timing.times_ns), timing, name, bytes })),
      ),
      [
        ["what", ({ name }) => name],
        ["command", ({ timing }) => timing.name],
        ["runs", "count", ({ values }) => values.length],
        ["median", "time", ({ median }) => median],
        ["from", "time", ({ low }) => low],
        ["to", "time", ({ high }) => high],
        ["user", "time", ({ timing }) => timing.user_ns],
        ["system", "time", ({ timing }) => timing.system_ns],
        [
          "per second",
          ({ bytes, median }) => (bytes === null ? "" : figure((bytes * 1e9) / median, "bytes")),
        ],
      ],
    ),
  });
}

function spreadOf(values: readonly number[]): Spread {
  const { median, low, high } = medianInterval(values);
  return { median, low, high, values };
}

/** What others' commands take beside ours, comparison by comparison. */
function finding(comparisons: readonly WholeComparison[]): string {
  const parts = comparisons.flatMap(({ name, timings }) => {
    const of = timings.map((timing) => `${shownTime(timing.median_ns)} (${timing.name})`);
    return of.length === 0 ? [] : [`${name} ${listed(of)}`];
  });
  const text = parts.join("; ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
