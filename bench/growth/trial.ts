// Started in a lab: one point of an axis. A fresh target on one CPU, a load on the other. Prints one line of JSON.
//
//   start ─▶ every place read once ─▶ warm-up ─▶ latency, at its depth ─▶ CPU time, at the axis' depth

import { existsSync, readlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { median } from "../../statistics/quantile.ts";
import { spinUntil } from "../../link/drive.ts";
import { openPacketLink } from "../../link/packet.ts";
import { pinToCpus } from "../../sys/affinity.ts";
import { now } from "../../sys/clock.ts";
import { usage } from "../../sys/usage.ts";
import { failed } from "../../words/failure.ts";
import { createRandom, type Random } from "../../words/random.ts";
import { findInterface } from "../../sys/interface.ts";
import { Asker, awaitExport } from "../machine/asker.ts";
import { answerProbe } from "../machine/probe.ts";
import { processCost } from "../machine/process_cost.ts";
import { AOE } from "../../lab/programs.ts";
import { type GrowthShape, MTU, placeOf } from "./axes.ts";
import { takeCensus } from "./census.ts";
import { GrowthLoad, type Places } from "./load.ts";
import type { GrowthFigures } from "./result.ts";
import { cpuTicks, TICK } from "../machine/cpu_ticks.ts";
import { isStarted } from "../../sys/root.ts";

export interface GrowthTask {
  readonly shape: GrowthShape;
  /** Of the images: one file for each export, made where it is missing. */
  readonly folder: string;
  readonly target_cpu: number | null;
  readonly load_cpu: number | null;
  readonly runtime_ns: number;
  readonly warm_up_ns: number;
  readonly seed: number;
}

/** Exports per shelf; slots 0 to 254 there are. */
const SLOTS = 250;
/** How long what is outstanding may take to end, ns. */
const DRAIN = 2e9;
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

/** Those with the numbers in `which`. */
function placesOf(shape: GrowthShape, which: readonly number[]): Places {
  const found = which.map((place) => placeOf(shape, place));
  const addresses = found.map(({ owner }) => address(owner));
  return {
    majors: Int32Array.from(addresses, ([major]) => major),
    minors: Int32Array.from(addresses, ([, minor]) => minor),
    lbas: Float64Array.from(found, ({ lba }) => lba),
  };
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

function run(load: GrowthLoad, depth: number, until: () => boolean): void {
  load.start(depth);
  spinUntil(load, until, now() + 60e9);
  load.running = false;
  if (!spinUntil(load, () => load.idle, now() + DRAIN)) throw failed("Reads went unanswered");
}

/** CPU time of everything on the CPUs that a trial uses, ns. */
function busyTime({ target_cpu, load_cpu }: GrowthTask): number {
  const used = [target_cpu, load_cpu].filter((cpu) => cpu !== null);
  return cpuTicks(used).busy * TICK;
}

/** For `ns`; what was done in that time, without the drain behind it. */
function measure(load: GrowthLoad, depth: number, ns: number, pid: number | null) {
  load.start(depth);
  const cost = pid === null ? null : processCost(pid);
  const own = usage();
  const from = now();
  spinUntil(load, () => false, from + ns);
  const after = usage();
  const spent = pid === null ? null : processCost(pid);
  const measured = {
    elapsed: now() - from,
    reads: load.done,
    lost: load.lost,
    p50: load.lat.percentile(50),
    p99: load.lat.percentile(99),
    cpu: cost === null || spent === null ? null : spent.cpu_ns - cost.cpu_ns,
    load: after.user + after.system - own.user - own.system,
    resident: spent?.resident_bytes ?? null,
  };
  load.running = false;
  if (!spinUntil(load, () => load.idle, now() + DRAIN)) throw failed("Reads went unanswered");
  return measured;
}

async function measurePoint(task: GrowthTask): Promise<GrowthFigures> {
  const { shape, target_cpu, load_cpu } = task;
  const file = join(task.folder, "growth.toml");
  writeFileSync(file, configuration(task));
  makeImages(task);
  const pinned = target_cpu === null ? [] : ["--cpus", `${target_cpu}`];
  const started = now();
  const child = Bun.spawn([process.execPath, AOE, "target", "--config", file, ...pinned], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (load_cpu !== null) pinToCpus([load_cpu]);
  /** /proc may be that of another pid namespace. */
  const pid = readlinkSync("/proc/self") === String(process.pid) ? child.pid : null;
  const asker = new Asker("a0");
  const links = Array.from({ length: shape.interfaces }, (_, index) =>
    openPacketLink({ interface: `a${index}`, largestMtu: MTU }),
  );
  try {
    const [major, minor] = address(shape.exports - 1);
    const start_ns = awaitExport(asker, major, minor).at - started;
    const census = shape.census === true ? await takeCensus(asker, pid) : null;
    asker.close();
    const ways = links.map((link, index) => ({ link, target: findInterface(`b${index}`).mac }));
    const places = placesOf(shape, [...Array(shape.places).keys()]);
    const random = createRandom(task.seed).fork("places");
    const load = new GrowthLoad(ways, places, shape.initiators, random);
    load.inOrder = true;
    run(load, Math.min(shape.depth, 64), () => load.done >= places.majors.length);
    load.inOrder = false;
    const warmUntil = now() + task.warm_up_ns;
    run(load, shape.depth, () => now() >= warmUntil);
    const busyBefore = busyTime(task);
    const lone = measure(load, shape.latency_depth, task.runtime_ns, pid);
    const deep = measure(load, shape.depth, task.runtime_ns, pid);
    const busy = busyTime(task) - busyBefore;
    const stretches = census === null ? 0 : STRETCHES;
    // One in which nothing ended says nothing.
    const oneExport = Array.from({ length: stretches }, () => {
      load.places = placesOf(shape, placesOfOne(shape, random));
      const { elapsed, reads } = measure(load, shape.depth, task.runtime_ns / STRETCHES, null);
      return elapsed / reads;
    }).filter(Number.isFinite);
    const one_export_ns = median(oneExport);
    const nothing = stretches > 0 && oneExport.length === 0;
    if (lone.p50 === null || lone.p99 === null || deep.reads === 0 || nothing) {
      throw failed("No read was answered in time");
    }
    return {
      reads: deep.reads,
      lost: deep.lost + lone.lost,
      iops: (deep.reads * 1e9) / deep.elapsed,
      target_cpu_ns: deep.cpu === null ? null : deep.cpu / deep.reads,
      load_cpu_ns: deep.load / deep.reads,
      lat_p50_ns: lone.p50,
      lat_p99_ns: lone.p99,
      resident_bytes: deep.resident,
      others_cpu_share:
        deep.cpu === null || lone.cpu === null || target_cpu === null || load_cpu === null
          ? null
          : Math.max(0, busy - deep.cpu - lone.cpu - deep.load - lone.load) /
            (2 * (deep.elapsed + lone.elapsed)),
      ...(census === null ? {} : { census: { ...census, start_ns, one_export_ns } }),
    };
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    for (const link of links) link.close();
  }
}

if (isStarted("bench/growth/trial.ts")) await answerProbe(measurePoint);
