// The options of `aoe bench load`, which are also the keys of a job that describe a load: texts in,
// values out, every fault a usage Failure that names the option.

import { type PoolOptions, parsePoolOptions } from "../../initiator/pool/options.ts";
import { type FaultPlan, parseFaults } from "../../link/fault_plan.ts";
import { parseReclaim, type ReclaimModel } from "../../link/reclaim_model.ts";
import { expected } from "../../words/failure.ts";
import { parseDuration, parseInteger, parseSize } from "../../words/quantity.ts";
import { isProcess, type Process, PROCESSES } from "./arrivals.ts";
import { isOrder, ORDERS, SECTOR, type WorkloadSpec } from "./workload.ts";

/** As commander gives them. */
export interface LoadTexts {
  readonly rw?: string;
  readonly bs?: string;
  readonly iodepth?: string;
  readonly runtime?: string;
  readonly warmUp?: string;
  readonly rampTime?: string;
  readonly rwmixread?: string;
  readonly randseed?: string;
  readonly rateIops?: string;
  readonly rateProcess?: string;
  readonly offset?: string;
  readonly size?: string;
  readonly verify?: string;
  readonly pool?: string;
  readonly poolPrealloc?: string;
  readonly poolCap?: string;
  readonly kick?: string;
  readonly reclaim?: string;
  readonly faults?: string;
  readonly drag?: string;
}

export const LOAD_DEFAULTS = {
  rw: "randread",
  bs: "4k",
  iodepth: "16",
  runtime: "5s",
  warmUp: "300ms",
  rampTime: "500ms",
  rwmixread: "50",
  randseed: "1",
  rateIops: "0",
  rateProcess: "linear",
  offset: "0",
  size: "0",
  verify: "none",
  reclaim: "eager",
  drag: "0us",
} as const satisfies LoadTexts;

export interface LoadOptions {
  readonly workload: WorkloadSpec;
  readonly iodepth: number;
  readonly runtime: number;
  /** ns at full speed before the ramp (warm_up.ts). */
  readonly warmUp: number;
  readonly rampTime: number;
  readonly seed: number;
  /** Commands a second; 0: closed loop. */
  readonly rateIops: number;
  readonly rateProcess: Process;
  readonly verify: boolean;
  readonly pool: PoolOptions;
  readonly reclaim: ReclaimModel;
  /** null: none. */
  readonly faults: FaultPlan | null;
  /** CPU time burnt for every transmit, ns (drag.ts). */
  readonly drag: number;
  /** As given, for the result; fio's names. */
  readonly texts: Readonly<Record<string, string>>;
}

export function parseLoad(given: LoadTexts): LoadOptions {
  const texts = { ...LOAD_DEFAULTS, ...given };
  if (!isOrder(texts.rw)) throw expected("--rw", `one of ${ORDERS.join(", ")}`, texts.rw);
  if (!isProcess(texts.rateProcess)) {
    throw expected("--rate-process", `one of ${PROCESSES.join(", ")}`, texts.rateProcess);
  }
  if (texts.verify !== "none" && texts.verify !== "crc32c") {
    throw expected("--verify", "crc32c or none", texts.verify);
  }
  const bs = parseSize(texts.bs, "--bs");
  if (bs === 0 || bs % SECTOR !== 0) throw expected("--bs", "a multiple of 512 bytes", texts.bs);
  const runtime = parseDuration(texts.runtime, "--runtime");
  if (runtime === 0) throw expected("--runtime", "a duration above 0", texts.runtime);
  return {
    workload: {
      rw: texts.rw,
      bs,
      offset: parseSize(texts.offset, "--offset"),
      size: parseSize(texts.size, "--size"),
      rwmixread: parseInteger(texts.rwmixread, "--rwmixread", 0, 100),
    },
    iodepth: parseInteger(texts.iodepth, "--iodepth", 1, 65_536),
    runtime,
    warmUp: parseDuration(texts.warmUp, "--warm-up"),
    rampTime: parseDuration(texts.rampTime, "--ramp-time"),
    seed: parseInteger(texts.randseed, "--randseed", 0, 2 ** 32 - 1),
    rateIops: parseInteger(texts.rateIops, "--rate-iops", 0),
    rateProcess: texts.rateProcess,
    verify: texts.verify === "crc32c",
    pool: parsePoolOptions(texts),
    reclaim: parseReclaim(texts.reclaim, "--reclaim"),
    faults:
      texts.faults === undefined || texts.faults === ""
        ? null
        : parseFaults(texts.faults, "--faults"),
    drag: parseDuration(texts.drag, "--drag"),
    texts: Object.fromEntries(
      Object.entries(texts).flatMap(([name, text]) =>
        text === undefined ? [] : [[underscored(name), text]],
      ),
    ),
  };
}

function underscored(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
