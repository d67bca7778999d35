// The tables of docs/bench.md, made from the code that they describe. `bun testing/docs/bench_tables.ts` writes them into
// the page, between its marks; a test holds the page to them.

import type { Command } from "commander";
import * as v from "valibot";
import { optionRows, table, usualOf, writeTables } from "./target_tables.ts";
import { benchCommand } from "../../bench/commands.ts";
import { METRICS } from "../../bench/judge/metric.ts";
import { HOST_KEYS } from "../../bench/job/hosts.ts";
import { isSingle, KEY_NAMES, KEYS } from "../../bench/job/keys.ts";
import { type OptionRow, withChoices } from "../../words/option.ts";
import { THRESHOLD_METRICS } from "../../bench/job/threshold.ts";
import { CellSchema, RunSchema, ThresholdSchema, TrialSchema } from "../../bench/result/result.ts";
import { LOAD_OPTIONS } from "../../bench/load/options.ts";
import { FiguresSchema } from "../../bench/load/figures.ts";

export const PAGE = `${import.meta.dir}/../../docs/bench.md`;

export const HOSTS_PAGE = `${import.meta.dir}/../../docs/hosts.md`;

/** The commands that docs/bench.md tells of; the others have pages of their own. */
const COMMANDS = [
  "run",
  "compare",
  "ab",
  "history",
  "bisect",
  "doctor",
  "pins",
  "export",
  "reproduce",
  "search",
  "prove",
  "merge",
] as const;

function options(name: string, bench: Command): string {
  const command = bench.commands.find((one) => one.name() === name);
  const rows = (command?.options ?? []).map(({ flags, description }) => [
    `\`${flags}\``,
    description,
  ]);
  return table(["option", "meaning"], rows);
}

function keys(): string {
  const rows = KEY_NAMES.map((key) => {
    const row: OptionRow = KEYS[key];
    return [
      `\`${key}\``,
      usualOf(row),
      isSingle(key) ? "one for all jobs" : "may be a list",
      withChoices(row),
    ];
  });
  const last = [
    "`thresholds`",
    "",
    "a list, no matrix",
    "conditions that a run must meet: see below",
  ];
  return table(["key", "default", "values", "meaning"], [...rows, last]);
}

function entries(schema: { readonly entries: Readonly<Record<string, v.GenericSchema>> }): string {
  const rows = Object.entries(schema.entries).map(([key, of]) => [
    `\`${key}\``,
    v.getDescription(of) ?? "",
  ]);
  return table(["key", "meaning"], rows);
}

/** By the mark that each stands behind. */
export function benchTables(): Record<string, string> {
  const bench = benchCommand();
  const metrics = METRICS.map(({ name, about, higherIsBetter }) => [
    `\`${name}\``,
    about,
    higherIsBetter ? "higher" : "lower",
  ]);
  const thresholds = Object.entries(THRESHOLD_METRICS).map(([name, { form }]) => [
    `\`${name}\``,
    { duration: "a duration: `2ms`", share: "a share: `10%`", number: "a number" }[
      form ?? "number"
    ],
  ]);
  return {
    "job keys": keys(),
    thresholds: table(["metric", "compared with"], thresholds),
    metrics: table(["`--metric`", "meaning", "better is"], metrics),
    run: entries(RunSchema),
    cell: entries(CellSchema),
    trial: entries(TrialSchema),
    figures: entries(FiguresSchema),
    threshold: entries(ThresholdSchema),
    ...Object.fromEntries(COMMANDS.map((name) => [`${name} options`, options(name, bench)])),
    "load options": optionRows(LOAD_OPTIONS),
  };
}

/** Of docs/hosts.md. */
export function hostTables(): Record<string, string> {
  const rows = Object.entries(HOST_KEYS).map(([key, row]: [string, OptionRow]) => [
    `\`${key}\``,
    usualOf(row),
    withChoices(row),
  ]);
  return { "host keys": table(["key", "default", "meaning"], rows) };
}

if (import.meta.main) {
  await writeTables(PAGE, benchTables());
  await writeTables(HOSTS_PAGE, hostTables());
}
