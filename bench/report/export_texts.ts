// What other tools read of a result:
//
//   bmf                Bencher Metric Format: benchmarks, measures, values with their intervals
//   github-benchmark   customSmallerIsBetter of github-action-benchmark: times alone
//   junit              a test case for each threshold, claim or judge
//   github             workflow commands: an annotation for each that was missed or is undecided

import { medianInterval } from "../../statistics/median_interval.ts";
import { printableJson } from "../../words/printable.ts";
import { plural } from "../../words/shown.ts";
import { nameOf } from "../judge/rows.ts";
import type { NumberKey } from "../load/figures.ts";
import { valuesOf } from "../result/cell_figures.ts";
import type { CellResult } from "../result/result.ts";

export const FORMATS = ["bmf", "github-benchmark", "junit", "github"] as const;

/** Something that a result was asked to meet. */
export interface Condition {
  readonly group: string;
  readonly name: string;
  readonly outcome: "met" | "missed" | "undecided";
  readonly sentence: string;
}

export function textOf(
  format: (typeof FORMATS)[number],
  cells: readonly CellResult[],
  conditions: readonly Condition[],
): string {
  if (format === "junit") return junit(conditions);
  if (format === "github") return annotations(conditions);
  const value = format === "bmf" ? bencher(cells) : smallerIsBetter(cells);
  return `${printableJson(value)}\n`;
}

export function labelOf(cell: CellResult): string {
  const name = nameOf(cell);
  return name === cell.job ? name : `${cell.job} ${name}`;
}

const MEASURES: Readonly<Record<string, NumberKey>> = {
  throughput: "iops",
  latency: "lat_p50_ns",
  "latency-p99": "lat_p99_ns",
  "cpu-per-command": "cpu_quiet_ns",
};

/** Only what was measured: a figure without data is left out. */
function intervalOf(cell: CellResult, key: NumberKey) {
  const interval = medianInterval(valuesOf(cell.trials, key));
  return [interval.low, interval.median, interval.high].every(Number.isFinite) ? interval : null;
}

function bencher(cells: readonly CellResult[]): object {
  const measures = (cell: CellResult): object =>
    Object.fromEntries(
      Object.entries(MEASURES).flatMap(([name, key]) => {
        const found = intervalOf(cell, key);
        if (found === null) return [];
        const { median, low, high } = found;
        return [[name, { value: median, lower_value: low, upper_value: high }]];
      }),
    );
  return Object.fromEntries(cells.map((cell) => [labelOf(cell), measures(cell)]));
}

function smallerIsBetter(cells: readonly CellResult[]): object {
  return cells.flatMap((cell) =>
    Object.entries(MEASURES).flatMap(([name, key]) => {
      const found = key === "iops" ? null : intervalOf(cell, key);
      if (found === null) return [];
      const { median, low, high, n } = found;
      const range = `${low} to ${high}`;
      return [
        {
          name: `${labelOf(cell)}: ${name}`,
          unit: "ns",
          value: median,
          range,
          extra: `${n} trials`,
        },
      ];
    }),
  );
}

function junit(conditions: readonly Condition[]): string {
  const count = (outcome: Condition["outcome"]): number =>
    conditions.filter((one) => one.outcome === outcome).length;
  const cases = conditions.map(({ group, name, outcome, sentence }) => {
    const inside =
      outcome === "missed"
        ? `<failure message="${xml(sentence)}"/>`
        : outcome === "undecided"
          ? `<skipped message="${xml(sentence)}"/>`
          : "";
    return `  <testcase classname="${xml(group)}" name="${xml(name)}">${inside}</testcase>\n`;
  });
  const failed = `failures="${count("missed")}" skipped="${count("undecided")}" errors="0"`;
  const counts = `tests="${conditions.length}" ${failed}`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n',
    `<testsuite name="aoe bench" ${counts}>\n${cases.join("")}</testsuite>\n</testsuites>\n`,
  ].join("");
}

function xml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const LEVELS = { missed: "error", undecided: "warning" } as const;

/**
 * Workflow commands: an error for each condition that was missed, and one notice of how many were
 * met.
 */
function annotations(conditions: readonly Condition[]): string {
  const lines = conditions.flatMap(({ name, outcome, sentence }) =>
    outcome === "met"
      ? []
      : [`::${LEVELS[outcome]} title=${property(name)}::${message(sentence)}\n`],
  );
  const met = conditions.filter(({ outcome }) => outcome === "met").length;
  const notice = `${met} of ${plural(conditions.length, "condition")} met`;
  return `${lines.join("")}::notice title=aoe bench::${message(notice)}\n`;
}

function message(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return message(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
