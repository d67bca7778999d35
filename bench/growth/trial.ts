// Started in a lab: one point of an axis. A fresh target on one CPU, the load in C (peers/load.c) on
// the other. Prints one line of JSON.
//
//   start ─▶ every place read once ─▶ warm-up ─▶ latency, at its depth ─▶ CPU time, at the axis' depth

import { existsSync, readlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { median } from "../../statistics/quantile.ts";
import { pinToCpus } from "../../sys/affinity.ts";
import { now } from "../../sys/clock.ts";
import { failed } from "../../words/failure.ts";
import { S } from "../../words/quantity.ts";
import { createRandom, type Random } from "../../words/random.ts";
import { Asker, awaitExport } from "../machine/asker.ts";
import { readClosingFigures } from "../machine/closing_figures.ts";
import { answerProbe } from "../machine/probe.ts";
import { processCost } from "../machine/process_cost.ts";
import { AOE } from "../../lab/programs.ts";
import { endedWith, runWatched } from "../machine/child.ts";
import { type CLoadStage, cLoadWords, readCLoad } from "../peers/c_load.ts";
import { type GrowthShape, placeOf, READ_BYTES } from "./axes.ts";
import { takeCensus } from "./census.ts";
import type { GrowthFigures } from "./result.ts";
import { isStarted } from "../../sys/root.ts";

export interface GrowthTask {
  readonly shape: GrowthShape;
  /** Of the images: one file for each export, made where it is missing. */
  readonly folder: string;
  /** Where the load in C is. */
  readonly programs: string;
  readonly target_cpu: number | null;
  readonly load_cpu: number | null;
  readonly runtime_ns: number;
  readonly warm_up_ns: number;
  readonly seed: number;
}

/** Exports per shelf; slots 0 to 254 there are. */
const SLOTS = 250;
/** Of reads of one export, each of another. */
const STRETCHES = 20;

function address(index: number): [major: number, minor: number] {
  return [Math.floor(index / SLOTS), index % SLOTS];
}

function configuration({ shape, folder }: GrowthTask): string {
  const interfaces = Array.from({ length: shape.interfaces }, (_, index) => `"b${index}"`);
  const parts = [`interfaces = [${interfaces.join(", ")}]`];
  const buffers = Math.max(64, shape.depth);
  for (let index = 0; index < shape.exports; index++) {
    const [major, minor] = address(index);
    parts.push(
      `[[export]]\naddress = "e${major}.${minor}"\nfile = ${JSON.stringify(join(folder, `${index}.img`))}\nbuffer_count = ${buffers}`,
    );
  }
  return parts.join("\n");
}

/** A line of the load's file. */
function placeLine(shape: GrowthShape, place: number): string {
  const { owner, lba } = placeOf(shape, place);
  return `${address(owner).join(" ")} ${lba}\n`;
}

/** As many as each of ten thousand exports has. */
const PART = 2;

/** Places of one export, the same number however many exports there are. */
function placesOfOne({ exports, places }: GrowthShape, random: Random): number[] {
  const owner = random.below(exports);
  const first = random.below(Math.max(1, Math.floor(places / exports) - PART + 1));
  return Array.from({ length: PART }, (_, at) => owner + (first + at) * exports);
}

/** Sparse files that are missing: what a target takes to make them is not of its start. */
function makeImages({ shape, folder }: GrowthTask): void {
  for (let index = 0; index < shape.exports; index++) {
    const path = join(folder, `${index}.img`);
    if (existsSync(path)) continue;
    writeFileSync(path, "");
    truncateSync(path, shape.image_bytes);
  }
}

/** Every place once, warm-up, latency, CPU time; then reads of single exports, `PART` places each. */
function stagesOf({ shape, warm_up_ns, runtime_ns }: GrowthTask): CLoadStage[] {
  const { depth, latency_depth, places } = shape;
  const all = { from: 0, count: places };
  return [
    { kind: "order", depth: Math.min(depth, 64), ns: 60 * S, ...all },
    { kind: "warm", depth, ns: warm_up_ns, ...all },
    { kind: "measure", depth: latency_depth, ns: runtime_ns, ...all },
    { kind: "measure", depth, ns: runtime_ns, ...all },
    ...Array.from({ length: shape.census === true ? STRETCHES : 0 }, (_, at) => ({
      kind: "measure" as const,
      depth,
      ns: runtime_ns / STRETCHES,
      from: places + at * PART,
      count: PART,
    })),
  ];
}

async function runLoad(task: GrowthTask, pid: number | null) {
  const { shape, seed } = task;
  const random = createRandom(seed).fork("places");
  const numbers = [
    ...Array.from({ length: shape.places }, (_, place) => place),
    ...Array.from({ length: STRETCHES }, () => placesOfOne(shape, random)).flat(),
  ];
  const places = join(task.folder, "places");
  writeFileSync(places, numbers.map((place) => placeLine(shape, place)).join(""));
  const [shelf = "0", slot = "0"] = address(0).map(String);
  const words = cLoadWords({
    programs: task.programs,
    ...{ shelf, slot, bytes: READ_BYTES, rw: "read", seed, places, watched: pid },
    interfaces: Array.from({ length: shape.interfaces }, (_, index) => `a${index}`),
    initiators: shape.initiators,
    stages: stagesOf(task),
  });
  const used = [task.target_cpu, task.load_cpu].filter((cpu) => cpu !== null);
  const cost = pid === null ? null : processCost(pid);
  const run = await runWatched(words, used, {});
  const spent = pid === null ? null : processCost(pid);
  const said = readCLoad(run.stdout);
  const [lone, deep, ...single] = said?.stages ?? [];
  if (said === null || lone === undefined || deep === undefined) {
    throw failed(endedWith(run.code, run.stderr, ""));
  }
  const others =
    cost === null || spent === null || run.others === null || used.length < 2
      ? null
      : Math.max(0, run.others - (spent.cpu_ns - cost.cpu_ns)) / (used.length * run.elapsed);
  return { lone, deep, single, way: said.way, others_cpu_share: others };
}

async function measurePoint(task: GrowthTask): Promise<GrowthFigures> {
  const { shape, target_cpu, load_cpu } = task;
  const file = join(task.folder, "growth.toml");
  const closing = join(task.folder, "target.json");
  writeFileSync(file, configuration(task));
  makeImages(task);
  const pinned = target_cpu === null ? [] : ["--cpus", `${target_cpu}`];
  const started = now();
  const child = Bun.spawn(
    [process.execPath, AOE, "target", "--config", file, "--stats-at-end", closing, ...pinned],
    {
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  if (load_cpu !== null) pinToCpus([load_cpu]);
  /** /proc may be that of another pid namespace. */
  const pid = readlinkSync("/proc/self") === String(process.pid) ? child.pid : null;
  const asker = new Asker("a0");
  try {
    const [major, minor] = address(shape.exports - 1);
    const start_ns = awaitExport(asker, major, minor).at - started;
    const census = shape.census === true ? await takeCensus(asker, pid) : null;
    asker.close();
    const { lone, deep, single, way, others_cpu_share } = await runLoad(task, pid);
    const perRead = (one: typeof deep, ns: number): number => ns / one.commands;
    // One in which nothing ended says nothing.
    const oneExport = single
      .filter(({ commands }) => commands > 0)
      .map((one) => perRead(one, one.elapsed_ns));
    const nothing = census !== null && oneExport.length === 0;
    const { lat_p50_ns, lat_p99_ns } = lone;
    if (lat_p50_ns === null || lat_p99_ns === null || deep.commands === 0 || nothing) {
      throw failed("No read was answered in time");
    }
    // It writes at its end.
    child.kill("SIGTERM");
    await child.exited;
    return {
      reads: deep.commands,
      lost: deep.retransmits + lone.retransmits,
      iops: (deep.commands * 1e9) / deep.elapsed_ns,
      target_cpu_ns: deep.target_cpu_ns === null ? null : perRead(deep, deep.target_cpu_ns),
      load_cpu_ns: perRead(deep, deep.cpu_ns),
      load_busy_share: deep.busy_ns / deep.elapsed_ns,
      load_way: way,
      target_way: readClosingFigures(closing)?.way ?? null,
      lat_p50_ns,
      lat_p99_ns,
      resident_bytes: deep.target_resident_bytes,
      others_cpu_share,
      ...(census === null
        ? {}
        : { census: { ...census, start_ns, one_export_ns: median(oneExport) } }),
    };
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

if (isStarted("bench/growth/trial.ts")) await answerProbe(measurePoint);
