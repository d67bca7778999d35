// A fresh target and a fresh load that drives it, in a lab of their own, and what became of both.
//
//   lab ─ sh ─┬─ taskset 0  target on b0                               stderr ▶ target.err
//             └─ taskset 1  load on a0, which also watches the target  stdout ▶ this process
//
// The load reads what the target's process has cost when its measured time begins and when it ends,
// so that neither start nor warm-up is in the figures. Process ids are the lab's own: where its
// /proc is not (some containers), the target is not watched.

import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../words/failure.ts";
import { shellLine } from "../../lab/shell.ts";
import { labCommandLine, labEnv } from "../../lab/lab.ts";
import type { LabShape } from "../../lab/setup.ts";
import { endedWith, runWatched } from "../machine/child.ts";
import { readClosingFigures } from "../machine/closing_figures.ts";
import { pinned } from "./arms.ts";

export interface Driven {
  readonly target: readonly string[];
  /** Whether it is ours, and writes its figures at its end. */
  readonly tells: boolean;
  readonly load: readonly string[];
  /** The load's option for the process that it watches. */
  readonly watch: "-w" | "--target-pid";
  /** CPUs; null: not pinned. */
  readonly targetCpu: number | null;
  readonly loadCpu: number | null;
}

export interface DrivenRun {
  readonly code: number;
  /** Of the load. */
  readonly stdout: string;
  /** Which way the target's frames took; null: not known. */
  readonly target_way: string | null;
  /** Of the CPUs, by whatever was not the lab; null: not known. */
  readonly others_cpu_share: number | null;
  /** One sentence; null: nothing went wrong. */
  readonly failure: string | null;
}

export async function runDriven(
  driven: Driven,
  shape: LabShape,
  { folder, cpus }: { readonly folder: string; readonly cpus: readonly number[] },
  signal?: AbortSignal,
): Promise<DrivenRun> {
  const words = join(folder, "target.err");
  const closing = join(folder, "target.json");
  for (const path of [words, closing]) rmSync(path, { force: true });
  const script = labCommandLine(["sh", "-c", scriptOf(driven, words, closing)], shape);
  const run = await runWatched(script, cpus, { env: labEnv(shape), signal });
  const { code, stdout, stderr, others, elapsed } = run;
  // It may never have come to say anything.
  const target = existsSync(words) ? readFileSync(words, "utf8").trim() : "";
  return {
    code,
    stdout,
    target_way: readClosingFigures(closing)?.way ?? null,
    others_cpu_share: others === null ? null : others / (elapsed * cpus.length),
    failure: code === EXIT.done ? null : endedWith(code, stderr, target),
  };
}

function scriptOf(driven: Driven, words: string, closing: string): string {
  const tells = driven.tells ? ["--stats-at-end", closing] : [];
  const target = pinned(driven.targetCpu, [...driven.target, ...tells]);
  const load = pinned(driven.loadCpu, driven.load);
  return [
    `${shellLine(target)} >/dev/null 2>${shellLine([words])} & t=$!`,
    "watch=; read self rest </proc/self/stat",
    `[ "$self" = $$ ] && watch="${driven.watch} $t"`,
    `${shellLine(load)} $watch; code=$?`,
    // A target that has ended by itself has something to say.
    `kill -0 $t 2>/dev/null || { [ $code -ne 0 ] || code=${EXIT.failed}; }`,
    "kill -TERM $t 2>/dev/null; wait $t 2>/dev/null",
    "exit $code",
  ].join("\n");
}
