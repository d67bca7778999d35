// What the trials say of each axis: medians by point, and whether the far end costs what the near end does.

import { knownMedian } from "../result/median.ts";
import { mostlyByLoad } from "../peers/load_limit.ts";
import { exportBars, medianCensus } from "./census.ts";
import { AXES, type Axis, FLAT, MEASURES, type Measure } from "./axes.ts";
import type { AxisSummary, GrowthFigures, GrowthTrial, PointSummary } from "./result.ts";

export function summaryOf(trials: readonly GrowthTrial[]): AxisSummary[] {
  return AXES.flatMap((axis) => {
    const own = trials.filter((trial) => trial.axis === axis.name);
    if (own.length === 0) return [];
    const points = axis.values.flatMap((value) => {
      const figures = own.flatMap((trial) =>
        trial.value === value && !trial.repeated && trial.figures !== null ? [trial.figures] : [],
      );
      return own.some((trial) => trial.value === value) ? [pointOf(axis, value, figures)] : [];
    });
    return [
      {
        axis: axis.name,
        about: axis.about,
        points,
        ends: MEASURES.map((measure) => endsOf(axis, measure, points)),
        bars: exportBars(points),
      },
    ];
  });
}

function pointOf(axis: Axis, value: number, figures: readonly GrowthFigures[]): PointSummary {
  return {
    value,
    label: axis.label(value),
    target_cpu_ns: knownMedian(figures.map(({ target_cpu_ns }) => target_cpu_ns)),
    lat_p50_ns: knownMedian(figures.map(({ lat_p50_ns }) => lat_p50_ns)),
    iops: knownMedian(figures.map(({ iops }) => iops)),
    by_load: mostlyByLoad(
      figures.map(({ target_cpu_ns, ...one }) => ({
        ...one,
        target_cpu_per_command_ns: target_cpu_ns,
      })),
    ),
    lost: figures.reduce((sum, { lost }) => sum + lost, 0),
    census: medianCensus(figures.flatMap(({ census }) => census ?? [])),
  };
}

function endsOf(
  axis: Axis,
  measure: Measure,
  points: readonly PointSummary[],
): AxisSummary["ends"][number] {
  const ends = [points[0], points.at(-1)];
  const [near, far] = ends.map((point) => point?.[measure]?.median);
  if (points.length < 2 || near === undefined || far === undefined) {
    return { measure, ratio: null, flat: null, reason: null };
  }
  // What a target spends while it waits for a load is no cost of a read.
  if (measure === "target_cpu_ns" && ends.some((point) => point?.by_load === true)) {
    return { measure, ratio: null, flat: null, reason: "not judged: the load was the limit" };
  }
  const ratio = far / near;
  const flat = ratio <= FLAT;
  const because = axis.grows?.measure === measure ? axis.grows.because : axis.reason;
  return { measure, ratio, flat, reason: flat ? null : because };
}
