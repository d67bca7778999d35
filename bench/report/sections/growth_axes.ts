// What a read costs along each axis, as `aoe bench growth` measured it.

import { FLAT } from "../../growth/axes.ts";
import type { AxisSummary, GrowthResult, PointSummary } from "../../growth/result.ts";
import { listed } from "../../../words/shown.ts";
import { tableOf } from "../figure.ts";
import { type Chart, type Section, sectionOf } from "../report.ts";
import { idOf, type Named, topicOf } from "./judged.ts";
import { verdictsOf } from "./peer_arms.ts";

const MEASURES = [
  ["target_cpu_ns", "target CPU of a read"],
  ["lat_p50_ns", "median latency"],
] as const;

export function growth({ name, result }: Named<GrowthResult>, at: number): Section {
  const { axes } = result;
  const points = axes.flatMap(({ axis, points: own }) => own.map((point) => ({ axis, ...point })));
  return sectionOf(idOf("growth", at), topicOf("Growth", name, at))(finding(axes), {
    notes: [
      `Flat: the last point of an axis costs at most ${FLAT} times the first.`,
      ...axes.flatMap(reasons),
    ],
    verdicts: verdictsOf(axes.flatMap(({ bars }) => bars)),
    charts: axes.flatMap(({ about, axis, points: own }) =>
      MEASURES.map(([key, label]) => chartOf(`${axis}: ${about}`, label, key, own)),
    ),
    table: tableOf(points, [
      ["axis", ({ axis }) => axis],
      ["point", ({ label }) => label],
      ["target CPU", "time", ({ target_cpu_ns: cpu }) => cpu?.median ?? null],
      ["latency, median", "time", ({ lat_p50_ns: p50 }) => p50?.median ?? null],
      ["reads per second", "count", ({ iops }) => iops?.median ?? null],
      ["lost", "count", ({ lost }) => lost],
    ]),
  });
}

function chartOf(
  caption: string,
  label: string,
  key: (typeof MEASURES)[number][0],
  points: readonly PointSummary[],
): Chart {
  return {
    kind: "intervals",
    caption: `${caption}, ${label}`,
    axis: { label, unit: "time", log: false, reach: [] },
    names: [label],
    rows: points.map((point) => {
      const { median, low, high } = point[key] ?? { median: NaN, low: NaN, high: NaN };
      const spread = { median, low, high, values: [] };
      return { label: point.label, colour: 1, spreads: Number.isFinite(median) ? [spread] : [] };
    }),
    reference: null,
  };
}

/** Along which axes the target's CPU time does not stay. */
function finding(axes: readonly AxisSummary[]): string {
  const of = (flat: boolean): string[] =>
    axes.flatMap(({ axis, ends }) =>
      ends.some((end) => end.measure === "target_cpu_ns" && end.flat === flat) ? [axis] : [],
    );
  const [flat, grows] = [of(true), of(false)];
  const parts = [
    ...(flat.length === 0 ? [] : [`stays flat along ${listed(flat)}`]),
    ...(grows.length === 0 ? [] : [`grows along ${listed(grows)}`]),
  ];
  return parts.length === 0
    ? "No axis was measured at both of its ends."
    : `The target's CPU time of a read ${parts.join(" and ")}.`;
}

function reasons({ axis, ends }: AxisSummary): string[] {
  return ends.flatMap(({ measure, ratio, reason }) => {
    if (ratio === null || reason === null) return [];
    const what = MEASURES.find(([key]) => key === measure)?.[1] ?? measure;
    return [`${axis}: ${what} ${ratio.toFixed(2)} times the first, since ${reason}.`];
  });
}
