// One load against one device, from discovery to the figures, over whatever link it is given.
//
//   link ─▶ faults ─▶ late release ─▶ session ─▶ device ◀─ Load
//   └──────────────── one loop (link/drive.ts) ────────────────┘
//
// The target may be elsewhere, or a core beside it in the same loop (`beside`: the memory link).

import type { Device } from "../../initiator/protocol/device.ts";
import { type LinkedSession, SessionOver } from "../../initiator/session/linked_session.ts";
import type { DriveMode } from "../../link/drive.ts";
import { createFaults, type FaultLink } from "../../link/faults.ts";
import type { Link, LinkCounters } from "../../link/link.ts";
import type { Core } from "../../link/loop.ts";
import { createReclaim } from "../../link/reclaim.ts";
import type { ReclaimModel } from "../../link/reclaim_model.ts";
import type { Waiter } from "../../link/waiter.ts";
import { mapMemory } from "../../sys/memory.ts";
import { type Usage, usage } from "../../sys/usage.ts";
import { type Address, formatAddress } from "../../words/address.ts";
import { shownBytes } from "../../words/shown.ts";
import { MS } from "../../words/quantity.ts";
import { createRandom, type Random } from "../../words/random.ts";
import { createArrivals } from "./arrivals.ts";
import { Load, type Submitter } from "./load.ts";
import { drag } from "./drag.ts";
import type { LateHold } from "../../lab/late_hold.ts";
import type { LoadOptions } from "./options.ts";
import { poolOf, sourceOf, unused } from "./load_pool.ts";
import type { WatchedProcess } from "../machine/process_cost.ts";
import { Series } from "./series.ts";
import type { Trace } from "./trace/trace.ts";
import { Verifier } from "./verifier.ts";
import { type Gate, gate } from "./warm_up.ts";
import { Workload, writes } from "./workload.ts";
import type { PoolSnapshot } from "../../initiator/pool/snapshot.ts";
import { SECTOR } from "../../wire/ata.ts";

/** How often the run's progress is looked at, and how long it sleeps at most. */
const LOOK_EVERY = 50 * MS;

export interface LoadSetting {
  readonly link: Link;
  readonly waiter: Waiter;
  /** A core in the same loop: the target, on the memory link. */
  readonly beside?: Core;
  readonly address: Address;
  /** ns until an address that does not answer is given up. */
  readonly patience: number;
  readonly options: LoadOptions;
  /** In place of the options': under a virtual clock `frugal`, since nothing moves while one spins. */
  readonly mode?: DriveMode;
  /** Holds sent frames in the kernel, from the end of the warm-up to the end of the measured time. */
  readonly late?: Pick<LateHold, "begin" | "end">;
  /** The target's process, where it runs on this machine and is watched. */
  readonly watched?: WatchedProcess;
  /** Told of every buffer and command of the measured time; none unless given. */
  readonly trace?: Trace;
  /** Sentences for a person. */
  readonly say: (sentence: string) => void;
  /** Told when the measured time begins, and now and then while it runs. */
  readonly onProgress?: (load: Load, now: number) => void;
  /** Awaited after discovery: the moment at which the load is to begin. */
  readonly gate?: () => Promise<number>;
  /** Asked now and then: true ends the run early. */
  readonly interrupted?: () => boolean;
}

/** What a run leaves: the load with its histograms, and the states around it. */
export interface LoadOutcome {
  readonly load: Load;
  readonly device: Device;
  readonly verifier: Verifier | null;
  readonly series: Series;
  /** At the end of the measured time. */
  readonly pool: PoolSnapshot;
  readonly poolLength: number;
  readonly linkCounters: LinkCounters;
  readonly faults: FaultLink["faults"] | null;
  readonly usageBefore: Usage;
  readonly usageAfter: Usage;
  /** One sentence; null: every buffer came back. */
  readonly leak: string | null;
  readonly elapsed: number;
  readonly interrupted: boolean;
}

export async function runLoad(setting: LoadSetting): Promise<LoadOutcome> {
  const { waiter, options, address } = setting;
  const random = createRandom(options.randseed);
  const startedAt = waiter.now();
  const reclaim = gate(options.reclaim);
  drag(setting.link, options.drag);
  const { link, faults } = wrap(setting.link, options, reclaim.model, waiter, random);
  const session = new SessionOver(
    { links: [link], waiter, beside: setting.beside },
    {
      ...options,
      seed: options.randseed,
      mode: setting.mode ?? options.mode ?? "low-latency",
      slice: LOOK_EVERY,
      aroundPool: (pool) => setting.trace?.aroundPool(pool) ?? pool,
      onNotice: setting.say,
    },
  );
  const device = await session.find(address, setting.patience);
  // The windows are planned from that moment, whenever the process wakes.
  const begin = setting.gate === undefined ? waiter.now() : await setting.gate();
  const load = makeLoad(setting, device, random, begin);
  if (writes(options.rw)) {
    setting.say(
      `Writing to ${formatAddress(address)} (${shownBytes(device.sectors * SECTOR)}): ${options.rw}, ${load.workload.blocks} blocks of ${shownBytes(options.bs)} from byte ${options.offset} on.`,
    );
  }
  const run = await perform(setting, session, device, load.load, reclaim, begin);
  const left = await session.close();
  return {
    load: load.load,
    device,
    verifier: load.verifier,
    linkCounters: { ...link.counters },
    faults,
    leak: left.length === 0 ? null : left.join("; "),
    elapsed: waiter.now() - startedAt,
    ...run,
  };
}

function wrap(
  inner: Link,
  options: LoadOptions,
  reclaim: ReclaimModel,
  clock: Waiter,
  random: Random,
): { link: Link; faults: FaultLink["faults"] | null } {
  if (options.faults === undefined)
    return { link: createReclaim(inner, reclaim, clock), faults: null };
  const faulty = createFaults(inner, options.faults, { clock, random: random.fork("faults") });
  return { link: createReclaim(faulty, reclaim, clock), faults: faulty.faults };
}

function makeLoad(
  setting: LoadSetting,
  device: Device,
  random: Random,
  now: number,
): { load: Load; workload: Workload; verifier: Verifier | null } {
  const { options } = setting;
  const { bs } = options;
  const workload = new Workload(options, device.sectors * SECTOR, random);
  const verifier = options.verify === "crc32c" ? new Verifier(workload, options.randseed) : null;
  // Lives as long as the process: commands point into it.
  const memory = mapMemory(options.iodepth * bs);
  const filling = random.fork("filling");
  for (let word = 0; word + 4 <= memory.bytes.length; word += 4) {
    memory.view.setUint32(word, filling.next());
  }
  const arrivals = createArrivals(options.rateIops, options.rateProcess, now, random);
  const plan = {
    iodepth: options.iodepth,
    rampTime: options.warmUp + options.rampTime,
    runtime: options.runtime,
    bs,
  };
  return {
    load: new Load(plan, workload, arrivals, verifier, traced(setting, device), memory, now),
    workload,
    verifier,
  };
}

function traced({ trace }: LoadSetting, device: Device): Submitter {
  return trace?.aroundDevice(device) ?? device;
}

type Run = Pick<
  LoadOutcome,
  "series" | "pool" | "poolLength" | "usageBefore" | "usageAfter" | "interrupted"
>;

async function perform(
  setting: LoadSetting,
  session: LinkedSession,
  device: Device,
  load: Load,
  reclaim: Gate,
  begin: number,
): Promise<Run> {
  const { waiter, onProgress, interrupted } = setting;
  const usageBefore = usage();
  const usageAfter = usage();
  let snapshot: PoolSnapshot | null = null;
  let stopped = false;
  const series = new Series();
  const source = sourceOf(load, device);
  // The warm-up is looked at as the measured time is: code that first runs then would be compiled in it.
  series.begin(source, waiter.now(), Math.max(1, load.measuredFrom - waiter.now()));
  load.onMeasure = (now) => {
    // The pool comes with the first command: after no warm-up at all it has yet to, and all that it counts is measured.
    poolOf(device)?.markWarm(now);
    setting.trace?.start(now);
    series.begin(source, now, setting.options.runtime);
    setting.watched?.begin();
    usage(usageBefore);
  };
  load.onMeasured = (now) => {
    series.finish(source, now);
    usage(usageAfter);
    setting.watched?.end();
    // What waits for a buffer now has no other way to end.
    setting.late?.end();
    snapshot = poolOf(device)?.snapshot(now) ?? unused(setting.options, setting.link, now);
    setting.trace?.stop(now);
  };
  let warmUntil = begin + setting.options.warmUp;
  const driver = {
    advance(now: number): void {
      if (now < begin) return;
      if (now >= warmUntil) {
        reclaim.open();
        setting.late?.begin();
        warmUntil = Number.POSITIVE_INFINITY;
      }
      if (now < load.measuredTo) series.look(source, now);
      load.advance(now);
    },
    nextDeadline() {
      // Before it begins every deadline of the load lies in the past.
      const next = Math.max(begin, Math.min(warmUntil, load.nextDeadline()));
      return load.isMeasured ? Math.min(next, series.due) : next;
    },
  };
  let nextLook = waiter.now();
  const { initiator } = session;
  await session.run(() => {
    if (load.finished) return true;
    const now = initiator.now;
    if (now < nextLook) return false;
    nextLook = now + LOOK_EVERY;
    onProgress?.(load, now);
    if (!stopped && interrupted?.() === true) {
      stopped = true;
      load.stop(now);
    }
    return false;
  }, driver);
  if (snapshot === null) throw new Error("invariant: a finished load has measured");
  const pool: PoolSnapshot = snapshot;
  return {
    series,
    pool,
    poolLength: pool.pool_length,
    usageBefore,
    usageAfter,
    interrupted: stopped,
  };
}
