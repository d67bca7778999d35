// One trial: a fresh lab, a fresh target and a fresh load, each on a CPU of its own; or, where no lab
// can be had, both cores in one fresh process over the memory link.
//
//   lab │ sh ─┬─ aoe target 7 3 b0 image     CPU 0    stderr ▶ target.err
//       │     └─ aoe bench load e7.3 --interface a0 --json    CPU 1    stdout ▶ load.json, stderr ▶ load.err

import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { now } from "../sys/clock.ts";
import { EXIT } from "../words/failure.ts";
import { parseInteger } from "../words/quantity.ts";
import type { Cell } from "./job/job.ts";
import type { KeyName } from "./job/keys.ts";
import { labCommandLine, labEnv } from "./lab/lab.ts";
import { cpuTicks, TICK } from "./provenance.ts";
import type { Figures, RunResult, Trial } from "./result.ts";
import { isOrder, writes } from "./workload.ts";

export const AOE = join(import.meta.dir, "..", "aoe.ts");
const MEMORY_TRIAL = join(import.meta.dir, "memory_trial.ts");

/** The keys that are options of `aoe bench load`. */
const LOAD_KEYS: readonly KeyName[] = [
  "rw",
  "bs",
  "iodepth",
  "runtime",
  "warm_up",
  "ramp_time",
  "rwmixread",
  "randseed",
  "rate_iops",
  "rate_process",
  "offset",
  "size",
  "verify",
  "pool",
  "pool_prealloc",
  "pool_cap",
  "kick",
  "reclaim",
  "faults",
];

/** The texts of the keys that describe the load, by option name without dashes. */
export function loadOptions(values: Cell["values"]): [string, string][] {
  return LOAD_KEYS.filter((key) => values[key] !== "").map((key) => [
    key.replaceAll("_", "-"),
    values[key],
  ]);
}

export interface Bed {
  /** A folder that this run may fill; removed with it. */
  readonly folder: string;
  readonly link: "packet" | "memory";
  readonly pinning: RunResult["pinning"];
  /** CPUs that the trial's processes may use. */
  readonly cpus: readonly number[];
  /** Path of an image of so many bytes. */
  readonly image: (size: string) => string;
}

export async function runTrial(cell: Cell, order: number, bed: Bed): Promise<Trial> {
  const startedAt = now();
  const before = cpuTicks(bed.cpus);
  const child = bed.link === "packet" ? inLab(cell, bed) : inOneProcess(cell);
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  const elapsed = now() - startedAt;
  const after = cpuTicks(bed.cpus);
  const code = child.exitCode ?? 137;
  const used = child.resourceUsage();
  const cpu = used === undefined ? null : Number(used.cpuTime.total) * 1e3;
  const busy = (after.busy - before.busy) * TICK;
  const fio = code === 0 || code === 1 ? document(stdout) : null;
  return {
    order,
    exit_code: code,
    failure: code === 0 && fio !== null ? null : failure(code, stderr, bed),
    elapsed_ns: elapsed,
    cpu_ns: cpu,
    others_cpu_ns: cpu === null ? null : Math.max(0, busy - cpu),
    figures: fio === null ? null : figures(fio),
    fio,
  };
}

function inLab(cell: Cell, bed: Bed) {
  const { values } = cell;
  const { pinning } = bed;
  let image = bed.image(values.image_size);
  if (isOrder(values.rw) && writes(values.rw)) {
    const own = join(bed.folder, "written.img");
    copyFileSync(image, own);
    image = own;
  }
  const aoe = [process.execPath, AOE];
  const target = [...aoe, "target", "7", "3", "b0", image, "-b", values.buffer_count];
  if (values.service !== "") target.push("--service", values.service);
  if (pinning.target !== null) target.push("--cpus", String(pinning.target));
  const load = [...aoe, "bench", "load", "e7.3", "--interface", "a0", "--json"];
  for (const [option, text] of loadOptions(values)) load.push(`--${option}`, text);
  if (pinning.load !== null) load.push("--cpus", String(pinning.load));
  const errors = quoted([join(bed.folder, "target.err")]);
  const script = `${quoted(target)} 2>${errors} & target=$!
${quoted(load)}; code=$?
kill -TERM $target 2>/dev/null; wait $target; ended=$?
if [ $code -eq 0 ]; then exit $ended; fi; exit $code`;
  const shape = { mtu: parseInteger(values.mtu, "mtu") };
  return Bun.spawn(labCommandLine(["sh", "-c", script], shape), {
    env: labEnv(shape),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

function inOneProcess(cell: Cell) {
  return Bun.spawn([process.execPath, MEMORY_TRIAL, JSON.stringify(cell.values)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** A command line for a shell. */
function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

function document(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function figures(fio: Record<string, unknown>): Figures | null {
  const [job] = (fio as { jobs?: { aoe?: { figures?: Figures } }[] }).jobs ?? [];
  return job?.aoe?.figures ?? null;
}

/** What the trial's processes said last, as one sentence. */
function failure(code: number, stderr: string, bed: Bed): string {
  const said = lastLine(stderr);
  // The target has a say where nobody answered: it is the one that failed.
  const silent = bed.link === "packet" && code === EXIT.notFound;
  const target = silent ? lastLine(targetWords(bed)) : "";
  const words = [said, target === "" ? "" : `the target: ${target}`].filter((text) => text !== "");
  return `The trial ended with code ${code}${words.length === 0 ? "" : `: ${words.join("; ")}`}`;
}

function targetWords(bed: Bed): string {
  try {
    return readFileSync(join(bed.folder, "target.err"), "utf8");
  } catch {
    return "";
  }
}

function lastLine(text: string): string {
  const lines = text.trim().split("\n");
  // The shell's own word about the target that it has ended.
  return lines.filter((line) => line !== "Terminated").at(-1) ?? "";
}
