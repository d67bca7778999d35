// Latency by arm: the median and the 99th percentile of each trial, with intervals over trials.

import { floorColumn, floorLatency } from "./floor.ts";
import { type Section, section } from "../report.ts";
import { figure, shownTime } from "../shown.ts";
import { drawable, intervalNote, measured, spreadOf, type Subject, within } from "../subject.ts";

export function latency(subject: Subject): Section {
  const id = "latency";
  const topic = "Latency";
  const settings = subject.settings.filter((setting) => measured(subject, setting).length > 0);
  const cells = settings.flatMap((setting) => measured(subject, setting));
  if (cells.length === 0)
    return section(id, topic, "No trial ended well, so there is no latency to show.");
  const ranked = cells
    .map((cell) => ({
      cell,
      p50: spreadOf(cell, "lat_p50_ns").median,
      p99: spreadOf(cell, "lat_p99_ns").median,
    }))
    .filter(({ p50, p99 }) => Number.isFinite(p50) && Number.isFinite(p99))
    .sort((a, b) => a.p99 - b.p99);
  const reach = cells.flatMap((cell) => [
    ...spreadOf(cell, "lat_p50_ns").values.filter(Number.isFinite),
    ...spreadOf(cell, "lat_p99_ns").values.filter(Number.isFinite),
    ...(cell.cell.floor?.lat_p50_ns == null ? [] : [cell.cell.floor.lat_p50_ns]),
  ]);
  const [least] = ranked;
  const most = ranked.at(-1);
  if (least === undefined || most === undefined) {
    return section(
      id,
      topic,
      "No command ended in the measured time, so there is no latency to show.",
    );
  }
  const name = (cell: (typeof cells)[number]): string =>
    `${cell.arm}${within(subject, cell.setting)}`;
  const finding =
    ranked.length === 1
      ? `Half of all commands end within ${shownTime(least.p50)}, 99 % within ${shownTime(least.p99)}.`
      : `99 % of commands end within ${shownTime(least.p99)} at best, with ${name(least.cell)}, and within ${shownTime(most.p99)} at worst, with ${name(most.cell)}.`;
  return section(id, topic, finding, {
    notes: [
      "From when a command was due until it ended; in a closed loop it is due when it can be submitted. The axis is logarithmic.",
      intervalNote(cells),
    ],
    charts: settings.map((setting) => ({
      reference: floorLatency(measured(subject, setting)),
      kind: "intervals" as const,
      caption: setting,
      axis: { label: "latency", unit: "time", log: true, reach },
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
    table: {
      columns: [
        "setting",
        "arm",
        "median",
        "from",
        "to",
        "99th percentile",
        "from",
        "to",
        "floor's median",
      ],
      rows: cells.map((cell) => {
        const p50 = spreadOf(cell, "lat_p50_ns");
        const p99 = spreadOf(cell, "lat_p99_ns");
        const time = (ns: number) => figure(ns, "time");
        return [
          cell.setting,
          cell.arm,
          time(p50.median),
          time(p50.low),
          time(p50.high),
          time(p99.median),
          time(p99.low),
          time(p99.high),
          floorColumn(cell, ({ lat_p50_ns }) => lat_p50_ns, "time"),
        ];
      }),
    },
  });
}
