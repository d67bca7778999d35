// One point of an axis: a fresh target, driven by the load in C (peers/driven.ts). On the axis of exports
// a target of which nothing is asked comes before.
//
//   every place read once ─▶ warm-up ─▶ latency, at its depth ─▶ CPU time, at the axis' depth

import { existsSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AOE } from "../../lab/programs.ts";
import { median } from "../../statistics/quantile.ts";
import { S } from "../../words/quantity.ts";
import { createRandom, type Random } from "../../words/random.ts";
import type { ProbeRun } from "../machine/probe.ts";
import { type CLoadStage, cLoadWords, readCLoad } from "../peers/c_load.ts";
import { type DrivenRun, runDriven } from "../peers/driven.ts";
import { probeIdle } from "../peers/idle.ts";
import type { OwnedEnvironment } from "../run/trial_environment.ts";
import { type GrowthShape, MTU, placeOf, READ_BYTES } from "./axes.ts";
import type { Census } from "./census.ts";
import type { GrowthFigures } from "./result.ts";

/** What is the same for all points. */
export interface GrowthSetting {
  readonly runtime: number;
  readonly warmUp: number;
  readonly seed: number;
}

/** Exports per shelf; slots 0 to 254 there are. */
const SLOTS = 250;
/** Of reads of one export, each of another. */
const STRETCHES = 20;

function address(index: number): [major: number, minor: number] {
  return [Math.floor(index / SLOTS), index % SLOTS];
}

function configuration(shape: GrowthShape, folder: string): string {
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
function makeImages(shape: GrowthShape, folder: string): void {
  for (let index = 0; index < shape.exports; index++) {
    const path = join(folder, `${index}.img`);
    if (existsSync(path)) continue;
    writeFileSync(path, "");
    truncateSync(path, shape.image_bytes);
  }
}

/** Every place once, warm-up, latency, CPU time; then reads of single exports, `PART` places each. */
function stagesOf(shape: GrowthShape, { runtime, warmUp }: GrowthSetting): CLoadStage[] {
  const { depth, latency_depth, places } = shape;
  const all = { from: 0, count: places };
  return [
    { kind: "order", depth: Math.min(depth, 64), ns: 60 * S, ...all },
    { kind: "warm", depth, ns: warmUp, ...all },
    { kind: "measure", depth: latency_depth, ns: runtime, ...all },
    { kind: "measure", depth, ns: runtime, ...all },
    ...Array.from({ length: shape.census === true ? STRETCHES : 0 }, (_, at) => ({
      kind: "measure" as const,
      depth,
      ns: runtime / STRETCHES,
      from: places + at * PART,
      count: PART,
    })),
  ];
}

/** The file of the load's places: all of them, then those of single exports. */
function writePlaces(path: string, shape: GrowthShape, seed: number): void {
  const random = createRandom(seed).fork("places");
  const numbers = [
    ...Array.from({ length: shape.places }, (_, place) => place),
    ...Array.from({ length: STRETCHES }, () => placesOfOne(shape, random)).flat(),
  ];
  writeFileSync(path, numbers.map((place) => placeLine(shape, place)).join(""));
}

type Trial = ProbeRun<GrowthFigures>;

export async function runPoint(
  shape: GrowthShape,
  setting: GrowthSetting,
  trialEnv: OwnedEnvironment,
  signal?: AbortSignal,
): Promise<Trial> {
  // Images of one size are the same for every trial; those of a large number are made once.
  const folder = join(trialEnv.folder, `images-${shape.image_bytes}`);
  mkdirSync(folder, { recursive: true });
  makeImages(shape, folder);
  const config = join(trialEnv.folder, "growth.toml");
  writeFileSync(config, configuration(shape, folder));
  const places = join(trialEnv.folder, "places");
  writePlaces(places, shape, setting.seed);
  const lab = { mtu: MTU, pairs: shape.interfaces };
  const target = [process.execPath, AOE, "target", "--config", config];
  const { pinning } = trialEnv;

  let census: Omit<Census, "one_export_ns"> | null = null;
  if (shape.census === true) {
    const [last, minor] = address(shape.exports - 1);
    const task = { command: target, shelf: last, slot: minor, starts: 1, idle_ns: S };
    const { figures, failure } = await probeIdle(task, pinning, lab, signal);
    if (figures === null) return { figures, failure };
    const { start_ns, resident_bytes, discovered, discovery_ns } = figures;
    const idle_bytes = resident_bytes[0] ?? null;
    census = { start_ns: median(start_ns), discovered, discovery_ns, idle_bytes };
  }
  const [shelf = "0", slot = "0"] = address(0).map(String);
  const load = cLoadWords({
    programs: trialEnv.folder,
    ...{ shelf, slot, bytes: READ_BYTES, rw: "read", seed: setting.seed, places },
    interfaces: Array.from({ length: shape.interfaces }, (_, index) => `a${index}`),
    initiators: shape.initiators,
    stages: stagesOf(shape, setting),
  });
  const driven = {
    target,
    tells: true,
    load,
    watch: "-w",
    targetCpu: pinning.target,
    loadCpu: pinning.load,
  } as const;
  const run = await runDriven(driven, lab, trialEnv, signal);
  if (run.failure !== null) return { figures: null, failure: run.failure };
  const figures = figuresOf(run, census);
  return { figures, failure: figures === null ? "No read was answered in time" : null };
}

/** null: of one of the stages there is nothing to say. */
function figuresOf(
  { stdout, others_cpu_share, target_way }: DrivenRun,
  census: Omit<Census, "one_export_ns"> | null,
): GrowthFigures | null {
  const said = readCLoad(stdout);
  const [lone, deep, ...single] = said?.stages ?? [];
  if (said === null || lone === undefined || deep === undefined || deep.commands === 0) return null;
  const { lat_p50_ns, lat_p99_ns } = lone;
  if (lat_p50_ns === null || lat_p99_ns === null) return null;
  const perRead = (ns: number): number => ns / deep.commands;
  // One in which nothing ended says nothing.
  const oneExport = single
    .filter(({ commands }) => commands > 0)
    .map(({ elapsed_ns, commands }) => elapsed_ns / commands);
  if (census !== null && oneExport.length === 0) return null;
  return {
    reads: deep.commands,
    lost: deep.retransmits + lone.retransmits,
    iops: 1e9 / perRead(deep.elapsed_ns),
    target_cpu_ns: deep.target_cpu_ns === null ? null : perRead(deep.target_cpu_ns),
    load_cpu_ns: perRead(deep.cpu_ns),
    load_busy_share: deep.busy_ns / deep.elapsed_ns,
    load_way: said.way,
    target_way,
    lat_p50_ns,
    lat_p99_ns,
    resident_bytes: deep.target_resident_bytes,
    others_cpu_share,
    ...(census === null ? {} : { census: { ...census, one_export_ns: median(oneExport) } }),
  };
}
