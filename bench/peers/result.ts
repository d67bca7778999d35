// The result of `aoe bench peers`, as written by --json and -o. Units stand in the names of keys; null says
// "not known". What `cells`, `one_cpu`, `loads` and `bars` say is made from `trials` and `idle` alone, so that
// results of several runs can be shown as one.
//
//   PeersResult ─ provenance, setting, arms (name, command), absent (sentences)
//     ├ trials[]    every one, in the order they ran
//     ├ idle[]      a target that nothing is asked of: start, memory, CPU
//     ├ cells[]     block size × depth × direction: medians of each arm, and ours over each other
//     ├ one_cpu[]   the same at depth 1, target and load on one CPU, neither spinning
//     ├ loads[]     our load over the one in C, as they come and without polling
//     ├ means[]     geometric means of the ratios over cells
//     └ bars[]      what is asked of the target, what was found

import * as v from "valibot";
import { headOf } from "../machine/head.ts";
import { BarSchema } from "../result/bar.ts";
import { MedianSchema } from "../result/median.ts";
import { settingEntries } from "../result/setting.ts";
import { DIRECTIONS } from "./options.ts";

export const PEERS = "aoe bench peers";

const CellKey = {
  bs: v.number(),
  iodepth: v.number(),
  rw: v.picklist(DIRECTIONS),
};

const FiguresSchema = v.object({
  iops: v.number(),
  lat_p50_ns: v.number(),
  lat_p99_ns: v.number(),
  lat_p999_ns: v.number(),
  /** Of all threads of the target's process over the measured time; null: not known here. */
  target_cpu_per_command_ns: v.nullable(v.number()),
  /** At the end of the measured time. */
  target_resident_bytes: v.nullable(v.number()),
  /** Polling included. */
  load_cpu_per_command_ns: v.number(),
  /** Of the measured time, while the load had something to do; null: not known. */
  load_busy_share: v.optional(v.nullable(v.number()), null),
  /** Which way each end's frames took; null: not known. */
  load_way: v.optional(v.nullable(v.string()), null),
  target_way: v.optional(v.nullable(v.string()), null),
  retransmits: v.number(),
  /** Frames that the load's socket had no room for. */
  receive_drops: v.number(),
});

const TrialSchema = v.object({
  part: v.picklist(["cells", "one-cpu", "load"]),
  ...CellKey,
  /** A target's name, or where part is `load` a load generator's. */
  arm: v.string(),
  round: v.number(),
  /** 0, or how many attempts went before that others had disturbed. */
  attempt: v.number(),
  /** Others disturbed this one too, and it was the last. */
  disturbed: v.boolean(),
  /** Of the trial's CPUs, by whatever was not the trial; null: not known. */
  others_cpu_share: v.nullable(v.number()),
  exit_code: v.number(),
  /** One sentence where the trial failed, else null. */
  failure: v.nullable(v.string()),
  figures: v.nullable(FiguresSchema),
});

const IdleSchema = v.object({
  arm: v.string(),
  /** From before its process is made to its first answer to discovery. */
  start_ns: v.array(v.number()),
  /** Of CPU time in all time, asked of nothing. */
  idle_cpu_share: v.array(v.nullable(v.number())),
  resident_bytes: v.array(v.nullable(v.number())),
});

const CellSchema = v.object({
  ...CellKey,
  arms: v.array(
    v.object({
      arm: v.string(),
      iops: MedianSchema,
      lat_p50_ns: MedianSchema,
      lat_p99_ns: MedianSchema,
      lat_p999_ns: MedianSchema,
      target_cpu_per_command_ns: v.nullable(MedianSchema),
      target_resident_bytes: v.nullable(v.number()),
      load_cpu_per_command_ns: MedianSchema,
      load_busy_share: v.optional(v.nullable(v.number()), null),
      /** The load was the limit, not the target. */
      by_load: v.optional(v.boolean(), false),
    }),
  ),
  /** The first arm's over each other's, round by round. */
  ratios: v.array(
    v.object({
      arm: v.string(),
      iops: MedianSchema,
      lat_p99: MedianSchema,
      target_cpu: v.nullable(MedianSchema),
      load_cpu: MedianSchema,
      /** The load was the limit of either: it counts in no mean and for no bar. */
      by_load: v.optional(v.boolean(), false),
    }),
  ),
});

const MeanSchema = v.object({
  part: v.string(),
  arm: v.string(),
  iodepths: v.array(v.number()),
  cells: v.number(),
  iops: v.number(),
  lat_p99: v.number(),
  target_cpu: v.nullable(v.number()),
  load_cpu: v.number(),
});

export const PeersSchema = v.object({
  ...headOf(PEERS),
  /** One for each run that is in here. */
  seeds: v.array(v.number()),
  setting: v.object({
    ...settingEntries,
    image_bytes: v.number(),
    /** On a file system in memory, so that no write waits for a disk. */
    image_in_memory: v.boolean(),
  }),
  arms: v.array(v.object({ arm: v.string(), command: v.string() })),
  /** Sentences: what could not be measured here, and why. */
  absent: v.array(v.string()),
  trials: v.array(TrialSchema),
  idle: v.array(IdleSchema),
  cells: v.array(CellSchema),
  one_cpu: v.array(CellSchema),
  loads: v.array(CellSchema),
  means: v.array(MeanSchema),
  bars: v.array(BarSchema),
});

export type PeersResult = v.InferOutput<typeof PeersSchema>;
export type PeersTrial = PeersResult["trials"][number];
export type PeersFigures = NonNullable<PeersTrial["figures"]>;
export type PeersIdle = PeersResult["idle"][number];
export type CellSummary = PeersResult["cells"][number];
export type Mean = PeersResult["means"][number];
export type PeersCell = Pick<PeersTrial, "bs" | "iodepth" | "rw">;
export type LoadedPart = PeersTrial["part"];
