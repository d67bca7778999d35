// The trials of a run, each in a lab of its own, all points of all axes in an order of their own in each round.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../words/failure.ts";
import type { OwnedBed } from "../run/bed.ts";
import { runChild } from "../machine/child.ts";
import { labCommandLine, labEnv } from "../../lab/lab.ts";
import { schedule } from "../run/schedule.ts";
import { type AxisName, axisOf, type GrowthShape, MTU } from "./axes.ts";
import type { GrowthOptions } from "./growth_options.ts";
import type { GrowthFigures, GrowthTrial } from "./growth_result.ts";
import type { GrowthTask } from "./growth_trial.ts";

const TRIAL = join(import.meta.dir, "growth_trial.ts");

/** Others' share of both CPUs above which a trial is done again, and how often it is tried. */
const DISTURBED = 0.1;
const ATTEMPTS = 4;

export interface Point {
  readonly axis: AxisName;
  readonly value: number;
}

export function pointsOf(axes: readonly AxisName[]): Point[] {
  return axes.flatMap((axis) => axisOf(axis).values.map((value) => ({ axis, value })));
}

/** Tells each trial as it ends. Throws the reason of `signal` where that came before the last. */
export async function runGrowth(
  options: GrowthOptions,
  points: readonly Point[],
  bed: OwnedBed,
  told: (trial: GrowthTrial, of: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const turns = schedule(points, options.rounds, 1, "random", options.seed);
  for (const [order, { cell }] of turns.entries()) {
    const shape = axisOf(cell.axis).shape(cell.value);
    for (let attempt = 1; ; attempt++) {
      const outcome = await runPoint(shape, options, bed, signal);
      const others = outcome.figures?.others_cpu_share ?? 0;
      const repeated = others > DISTURBED && attempt < ATTEMPTS;
      told({ order, repeated, ...cell, ...outcome }, turns.length);
      if (!repeated) break;
    }
  }
}

export async function runPoint(
  shape: GrowthShape,
  { runtime, warmUp, seed }: Pick<GrowthOptions, "runtime" | "warmUp" | "seed">,
  bed: OwnedBed,
  signal?: AbortSignal,
): Promise<Pick<GrowthTrial, "figures" | "failure">> {
  // Images of one size are the same for every trial; those of a large number are made once.
  const folder = join(bed.folder, `images-${shape.image_bytes}`);
  mkdirSync(folder, { recursive: true });
  const task: GrowthTask = {
    shape,
    folder,
    target_cpu: bed.pinning.target,
    load_cpu: bed.pinning.load,
    runtime_ns: runtime,
    warm_up_ns: warmUp,
    seed,
  };
  const lab = { mtu: MTU, pairs: shape.interfaces };
  const command = [process.execPath, TRIAL, JSON.stringify(task)];
  const run = await runChild(labCommandLine(command, lab), { env: labEnv(lab), signal });
  const { code, stdout, stderr } = run;
  if (code === EXIT.done) {
    return { figures: JSON.parse(stdout) as GrowthFigures, failure: null };
  }
  const said = stderr
    .trim()
    .split("\n")
    .findLast((line) => line !== "");
  return { figures: null, failure: said ?? `ended with code ${code}` };
}
