// Targets side by side, as `aoe bench peers` measured them: throughput by arm, and what was asked
// of ours.

import type { CellSummary, PeersResult } from "../../peers/result.ts";
import type { Bar } from "../../result/bar.ts";
import { listed, plural, shownBytes } from "../../../words/shown.ts";
import { figure, tableOf } from "../figure.ts";
import { type Chart, type Section, sectionOf, type Verdict } from "../report.ts";
import { idOf, type Named, topicOf } from "./judged.ts";

export function peers({ name, result }: Named<PeersResult>, at: number): Section {
  const { absent, arms, bars, cells, loads, one_cpu: oneCpu } = result;
  const parts = [
    { part: "target and load on CPUs of their own", cells },
    { part: "both on one CPU", cells: oneCpu },
    { part: "load generators", cells: loads },
  ];
  const rows = parts.flatMap(({ part, cells: own }) =>
    own.flatMap((cell) => cell.arms.map((arm) => ({ part, cell, arm, ratio: ratioOf(cell, arm) }))),
  );
  return sectionOf(idOf("peers", at), topicOf("Peers", name, at))(met(bars), {
    notes: [...arms.map(({ arm, command }) => `${arm}: \`${command}\``), ...absent],
    verdicts: verdictsOf(bars),
    charts: chartsOf(
      cells,
      arms.map(({ arm }) => arm),
    ),
    table: tableOf(rows, [
      ["part", ({ part }) => part],
      ["load", ({ cell }) => loadOf(cell)],
      ["arm", ({ arm }) => arm.arm],
      ["IOPS", "count", ({ arm }) => arm.iops.median],
      ["from", "count", ({ arm }) => arm.iops.low],
      ["to", "count", ({ arm }) => arm.iops.high],
      ["p99", "time", ({ arm }) => arm.lat_p99_ns.median],
      ["target CPU", "time", ({ arm }) => arm.target_cpu_per_command_ns?.median ?? null],
      ["load CPU", "time", ({ arm }) => arm.load_cpu_per_command_ns.median],
      ["ours / its, IOPS", ({ ratio }) => (ratio === null ? "" : figure(ratio, "share"))],
    ]),
  });
}

function ratioOf({ ratios }: CellSummary, { arm }: CellSummary["arms"][number]): number | null {
  return ratios.find((one) => one.arm === arm)?.iops.median ?? null;
}

function loadOf({ bs, iodepth, rw }: CellSummary): string {
  return `${rw} ${shownBytes(bs)}, depth ${iodepth}`;
}

/** A chart for each block size and direction, a row for each depth and arm. */
function chartsOf(cells: readonly CellSummary[], arms: readonly string[]): Chart[] {
  const groups = Map.groupBy(cells, ({ bs, rw }) => `${rw} ${shownBytes(bs)}`);
  return [...groups].map(([caption, own]) => ({
    kind: "intervals",
    caption,
    axis: { label: "IOPS", unit: "count", log: false, reach: [] },
    names: ["IOPS"],
    rows: own.flatMap(({ arms: all, iodepth }) =>
      all.map(({ arm, iops: { median, low, high } }) => ({
        label: `${arm}, depth ${iodepth}`,
        colour: arms.indexOf(arm),
        spreads: [{ median, low, high, values: [] }],
      })),
    ),
    reference: null,
  }));
}

/** What was promised of figures, as verdicts. */
export function verdictsOf(bars: readonly Bar[]): Verdict[] {
  return bars.map(({ bar, found, met: kept, what }, index) => ({
    id: `${index + 1}`,
    verdict: kept === null ? "inconclusive" : kept ? "holds" : "does not hold",
    claim: `${what}: ${bar}`,
    sentence: found ?? "not measured",
    ...{ how: "", table: null },
  }));
}

function met(bars: readonly Bar[]): string {
  const of = (wanted: boolean | null): number => bars.filter((bar) => bar.met === wanted).length;
  const parts = (
    [
      [of(true), "met"],
      [of(false), "missed"],
      [of(null), "not measured"],
    ] as const
  ).flatMap(([count, word]) =>
    count === 0 ? [] : [`${count} ${count === 1 ? "is" : "are"} ${word}`],
  );
  return parts.length === 0
    ? "Nothing is asked of these figures."
    : `Of ${plural(bars.length, "bar")}, ${listed(parts)}.`;
}
