// One trial: a fresh lab, fresh targets and fresh loads, each end on a CPU of its own; or, where the job
// says so, loads against a target that runs already; or, where no lab can be had, both cores in one fresh
// process over the memory link. A trial never throws: what went wrong stands in its `failure`.

import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type ChildOptions, runWatched } from "../machine/child.ts";
import { partOf } from "./revision_part.ts";
import { type ClosingFigures, readClosingFigures } from "../machine/closing_figures.ts";
import { labCommandLine, labEnv } from "../../lab/lab.ts";
import { overSockets, type RunResult, type Trial } from "../result/result.ts";
import { judgeTrial, type TrialPlace } from "./judge_trial.ts";
import { placesOf } from "./trial_lines.ts";
import { trialScript } from "./trial_script.ts";
import { writes } from "../load/workload.ts";
import type { Cell } from "../job/resolved.ts";
import { ownFile } from "../../sys/root.ts";

const NULL_TARGET = ownFile("bench/run/null_target.ts");

export interface TrialEnvironment {
  /** A folder that this run may fill; removed with it. */
  readonly folder: string;
  readonly link: RunResult["link"];
  readonly pinning: RunResult["pinning"];
  /** CPUs that the trial's processes may use. */
  readonly cpus: readonly number[];
  /** aoe.ts of the revision under test. */
  readonly program: string;
  /** Path of an image of so many bytes. */
  readonly image: (bytes: number) => string;
}

/** Throws the reason of `signal` where that came before the end. */
export async function runTrial(
  cell: Cell,
  place: TrialPlace,
  trialEnv: TrialEnvironment,
  signal?: AbortSignal,
): Promise<Trial> {
  clean(trialEnv);
  const [words, env] = overSockets(trialEnv.link)
    ? onSockets(cell, trialEnv, place.floor === true)
    : [inOneProcess(cell, trialEnv)];
  const run = await runWatched(words, trialEnv.cpus, {
    ...(env === undefined ? {} : { env }),
    signal,
  });
  const sockets = overSockets(trialEnv.link);
  const places = sockets ? placesOf(cell) : [{ address: "e7.3", interface: null }];
  return judgeTrial(place, {
    ...run,
    cpus: trialEnv.link === "virtual" ? null : trialEnv.cpus.length,
    places,
    documents: places.map((_, at) => (sockets ? read(trialEnv, `load.${at}.json`) : run.stdout)),
    loadSaid: `${loadSaid(trialEnv)}\n${run.stderr}`,
    targetSaid: sockets ? targetSaid(trialEnv) : "",
    closing: targetFigures(cell, trialEnv),
    start: null,
  });
}

/** The words of its command and its environment, if not ours. */
function onSockets(
  cell: Cell,
  trialEnv: TrialEnvironment,
  floor: boolean,
): [string[], ChildOptions["env"]?] {
  const { values } = cell;
  const places = placesOf(cell);
  const script = trialScript({
    cell,
    places,
    folder: trialEnv.folder,
    program: trialEnv.program,
    images: floor || values.store === "null" ? null : imagesOf(cell, trialEnv),
    nullTarget: NULL_TARGET,
    statsAtEnd: partOf(trialEnv.program, "statsAtEnd") !== null,
    pinning: trialEnv.pinning,
  });
  if (values.interface !== undefined) return [["sh", "-c", script]];
  const shape = {
    mtu: values.mtu,
    pairs: places.length,
    late: values.late !== undefined,
  };
  return [labCommandLine(["sh", "-c", script], shape), labEnv(shape)];
}

/** A file for each target; one of its own for each where the load writes. */
function imagesOf(cell: Cell, trialEnv: TrialEnvironment): string[] {
  const { values } = cell;
  if (values.interface !== undefined) return [];
  const image = trialEnv.image(values.imageSize);
  const changes = writes(values.rw);
  return Array.from({ length: values.targets }, (_, index) => {
    if (!changes) return image;
    const own = join(trialEnv.folder, `written.${index}.img`);
    copyFileSync(image, own);
    return own;
  });
}

function inOneProcess(cell: Cell, trialEnv: TrialEnvironment): string[] {
  const program = partOf(trialEnv.program, "memoryTrial");
  if (program === null)
    throw new Error(`invariant: ${trialEnv.program} has a trial over the memory link`);
  return [process.execPath, program, JSON.stringify(cell.texts), trialEnv.link];
}

/** No file of an earlier trial may be taken for this one's. */
function clean(trialEnv: TrialEnvironment): void {
  for (let index = 0; index < MOST; index++) {
    for (const end of ["json", "err"]) {
      rmSync(join(trialEnv.folder, `load.${index}.${end}`), { force: true });
      rmSync(join(trialEnv.folder, `target.${index}.${end}`), { force: true });
    }
  }
}
/** Loads and targets of a trial at most (keys.ts). */
const MOST = 16;

/** Of each target of the trial; none where they run elsewhere. */
function targetFigures({ values }: Cell, trialEnv: TrialEnvironment): (ClosingFigures | null)[] {
  const targets = values.interface === undefined ? values.targets : 0;
  return Array.from({ length: targets }, (_, index) =>
    readClosingFigures(join(trialEnv.folder, `target.${index}.json`)),
  );
}
function targetSaid(trialEnv: TrialEnvironment): string {
  return Array.from({ length: MOST }, (_, at) => read(trialEnv, `target.${at}.err`))
    .join("\n")
    .trim();
}
function loadSaid(trialEnv: TrialEnvironment): string {
  return Array.from({ length: MOST }, (_, index) => read(trialEnv, `load.${index}.err`)).join("\n");
}
function read(trialEnv: TrialEnvironment, name: string): string {
  const path = join(trialEnv.folder, name);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
