// A job from its file to its result: where it can run, in which order, and what came out.

import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allowedCpus } from "../sys/affinity.ts";
import { now } from "../sys/clock.ts";
import { environment } from "../words/failure.ts";
import { parseInteger, parseSize } from "../words/quantity.ts";
import { createRandom } from "../words/random.ts";
import { findings } from "./findings.ts";
import { type Cell, cellsOf, type Job, single } from "./job/job.ts";
import { probeLab } from "./lab/lab.ts";
import { provenance } from "./provenance.ts";
import {
  type CellResult,
  medianTrial,
  type RunResult,
  SCHEMA_VERSION,
  type Trial,
} from "./result.ts";
import { type Bed, runTrial } from "./trial.ts";

/** Others' share of the trial's CPUs above which a trial counts as disturbed. */
const DISTURBED = 0.25;

export interface RunEvents {
  /** A trial begins: its place from 0, how many there are. */
  begin(cell: Cell, place: number, total: number): void;
  end(cell: Cell, trial: Trial): void;
  /** A sentence for a person. */
  warn(sentence: string): void;
}

export async function runJob(job: Job, events: RunEvents): Promise<RunResult> {
  const startedAt = now();
  const date = new Date().toISOString();
  const where = chooseLink(job);
  if (where.fallback !== null) events.warn(where.fallback);
  const seed = parseInteger(single(job, "seed"), "seed");
  const rounds = parseInteger(single(job, "trials"), "trials");
  const cells = job.jobs.flatMap(cellsOf);
  const trials = new Map<Cell, Trial[]>(cells.map((cell) => [cell, []]));
  const order = interleaved(cells, rounds, seed);
  const bed = makeBed(where.link, seed);
  const warnings: string[] = [];
  try {
    for (const [place, cell] of order.entries()) {
      events.begin(cell, place, order.length);
      const trial = await runTrial(cell, place, bed);
      trials.get(cell)?.push(trial);
      events.end(cell, trial);
    }
  } finally {
    bed.remove();
  }
  const results = cells.map((cell): CellResult => {
    const own = trials.get(cell) ?? [];
    return { ...cell, trials: own, median: medianTrial(own) };
  });
  const disturbed = results
    .flatMap((cell) => cell.trials)
    .filter((trial) => isDisturbed(trial, bed));
  if (disturbed.length > 0) {
    warnings.push(
      `In ${disturbed.length} of ${order.length} trials others used more than ${100 * DISTURBED} % of the trial's CPUs: figures there are less sure.`,
    );
  }
  if (where.link === "packet" && bed.pinning.load === null) {
    warnings.push("Only one CPU is to be had, so target and load share it, and nothing is pinned.");
  }
  for (const sentence of warnings) events.warn(sentence);
  return {
    schema_version: SCHEMA_VERSION,
    kind: "aoe bench run",
    started_at: date,
    elapsed_ns: now() - startedAt,
    job: {
      file: job.file,
      sections: Object.fromEntries(job.jobs.map(({ name, values }) => [name, values])),
    },
    seed,
    link: where.link,
    fallback: where.fallback,
    pinning: bed.pinning,
    provenance: provenance(),
    warnings,
    cells: results,
    findings: findings(results),
  };
}

/** Raw sockets in labs where labs can be made; the memory link where the job leaves the choice. */
function chooseLink(job: Job): { link: "packet" | "memory"; fallback: string | null } {
  const wanted = single(job, "link");
  if (wanted === "memory") return { link: "memory", fallback: null };
  const lab = probeLab();
  if (lab.available) return { link: "packet", fallback: null };
  if (wanted === "packet") throw environment(lab.reason);
  return {
    link: "memory",
    fallback: `${lab.reason} The memory link is used instead: target and initiator in one process, no network in between.`,
  };
}

/** Every cell once a round, each round in an order of its own. */
export function interleaved(cells: readonly Cell[], rounds: number, seed: number): Cell[] {
  const order: Cell[] = [];
  for (let round = 0; round < rounds; round++) {
    const random = createRandom(seed).fork(`round ${round}`);
    const left = [...cells];
    for (let last = left.length - 1; last > 0; last--) {
      const other = random.below(last + 1);
      const [a, b] = [left[last], left[other]];
      if (a === undefined || b === undefined) throw new Error("invariant: inside the list");
      left[last] = b;
      left[other] = a;
    }
    order.push(...left);
  }
  return order;
}

function isDisturbed(trial: Trial, bed: Bed): boolean {
  if (trial.others_cpu_ns === null) return false;
  return trial.others_cpu_ns > DISTURBED * trial.elapsed_ns * bed.cpus.length;
}

function makeBed(link: "packet" | "memory", seed: number): Bed & { remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "aoe-bench-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // Also when a signal ends the process in the middle.
  process.on("exit", remove);
  const allowed = allowedCpus();
  const [first = 0] = allowed;
  const last = allowed.at(-1) ?? first;
  const apart = link === "packet" && first !== last;
  const images = new Map<string, string>();
  return {
    folder,
    link,
    pinning: { target: apart ? first : null, load: apart ? last : null },
    cpus: apart ? [first, last] : allowed,
    image(size) {
      let path = images.get(size);
      if (path === undefined) {
        path = join(folder, `${images.size}.img`);
        writeImage(path, parseSize(size, "image_size"), seed);
        images.set(size, path);
      }
      return path;
    },
    remove() {
      process.off("exit", remove);
      remove();
    },
  };
}

/** Up to this much of an image is filled, so that no run fills the disk; the rest is a hole. */
const FILLED = 64 << 20;
const PIECE = 1 << 20;

function writeImage(path: string, bytes: number, seed: number): void {
  const file = openSync(path, "w");
  try {
    ftruncateSync(file, bytes);
    const random = createRandom(seed).fork("image");
    const piece = new Uint32Array(PIECE / 4);
    for (let word = 0; word < piece.length; word++) piece[word] = random.next();
    for (let at = 0; at < Math.min(bytes, FILLED); at += PIECE) {
      piece[0] = at;
      writeSync(file, piece, 0, Math.min(PIECE, bytes - at), at);
    }
  } finally {
    closeSync(file);
  }
}
