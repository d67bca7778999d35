// Where the bench keeps what another revision's `aoe bench ab` runs of this one: `aoe bench parts`, which help does
// not show, prints these paths, so that files may move from one revision to the next. Each is run in a process that
// loads nothing else: code that was loaded beside it would change what it costs.

import { ownFile } from "../../sys/root.ts";

const PARTS = {
  /** Exports `goldenTable` and `formatTable`. */
  golden: "testing/sim/golden.ts",
  /** Exports `cycle` and `SITUATIONS`. */
  micro: "bench/micro/pool.bench.ts",
  /** A program: a cell's values as JSON, and `memory` or `virtual`. */
  memoryTrial: "bench/run/memory_trial.ts",
  /** A program: exact counts of what a command costs, on stdout. */
  counts: "bench/counts/print_counts.ts",
  /** Of its presence only: `aoe target` has `--stats-at-end`. */
  statsAtEnd: "target/control/stats_at_end.ts",
} as const;

export type PartName = keyof typeof PARTS;

/** Absolute, in this revision. */
export function partPath(part: PartName): string {
  return ownFile(PARTS[part]);
}

/** Prints the absolute path of each part, as one JSON object. */
export function printParts(): void {
  const names = Object.keys(PARTS) as PartName[];
  const paths = Object.fromEntries(names.map((name) => [name, partPath(name)]));
  process.stdout.write(`${JSON.stringify(paths)}\n`);
}
