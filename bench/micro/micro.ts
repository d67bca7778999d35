// Every micro-benchmark, each case in a process of its own, as it runs in the product: a compiler that saw
// another's code makes slower code.
//
//   npm run micro                      all
//   bun bench/micro/micro.ts codec     those whose names have it in them
//
// Exit code 3 where a case with a bar misses it.

import { EXIT } from "../../words/failure.ts";
import { join } from "node:path";
import { CODEC_CASES } from "./codec.bench.ts";
import { COMMAND_CASES } from "./command.bench.ts";
import { DEADLINE_CASES } from "./deadlines.bench.ts";
import { DUPLICATE_CASES } from "./duplicates.bench.ts";
import { HISTOGRAM_CASES } from "./histogram.bench.ts";
import { costOf, counted, figuresOf, type MicroCase } from "./micro_case.ts";
import { TAG_CASES } from "./tags.bench.ts";
import { WINDOW_CASES } from "./window.bench.ts";

export const CASES: readonly MicroCase[] = [
  ...CODEC_CASES,
  ...COMMAND_CASES,
  ...WINDOW_CASES,
  ...DEADLINE_CASES,
  ...DUPLICATE_CASES,
  ...TAG_CASES,
  ...HISTOGRAM_CASES,
];

const WIDTH = 24;

async function measureOne({ name, about, bar_ns, make }: MicroCase): Promise<number> {
  const cost = await costOf(counted(make()), 0.5);
  const held = bar_ns === undefined || cost.median_ns <= bar_ns;
  const bar = bar_ns === undefined ? "" : ` (${held ? "≤" : "not ≤"} ${bar_ns})`;
  process.stdout.write(`${name.padEnd(WIDTH)}${figuresOf(cost)}  ${about}${bar}\n`);
  return held ? EXIT.done : EXIT.threshold;
}

function measureAll(part: string): number {
  const columns = ["median", "least"].map((column) => column.padStart(8)).join("");
  process.stdout.write(`${"ns a call".padEnd(WIDTH)}${columns}\n`);
  const inherited = { stdout: "inherit", stderr: "inherit" } as const;
  let worst: number = EXIT.done;
  for (const { name } of CASES.filter((each) => each.name.includes(part))) {
    const run = Bun.spawnSync([process.execPath, import.meta.path, "--one", name], inherited);
    worst = Math.max(worst, run.exitCode);
  }
  if (!"pool".includes(part)) return worst;
  process.stdout.write("\n");
  const pools = join(import.meta.dir, "pool.bench.ts");
  return Math.max(worst, Bun.spawnSync([process.execPath, pools], inherited).exitCode);
}

if (import.meta.main) {
  const [first = "", name] = process.argv.slice(2);
  const one = CASES.find((each) => first === "--one" && each.name === name);
  process.exitCode = one === undefined ? measureAll(first) : await measureOne(one);
}
