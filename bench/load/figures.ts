// The figures of a load, as a result keeps them.

import * as v from "valibot";
import { number, time, about, count, text, type Deep } from "../machine/schema.ts";

/** Keys of figures that are numbers. */
export type NumberKey = Exclude<keyof Figures, "steady" | "littles_law_holds">;

/** What tables, findings and comparisons need of a trial; the whole is in `fio`. */
export const FiguresSchema = v.object({
  iops: number("commands per second in the measured time"),
  runtime_ns: number("measured time"),
  lat_mean_ns: time("from when a command was due to its end, like all of lat_*"),
  lat_p50_ns: time("median"),
  lat_p90_ns: time("90 % are not above"),
  lat_p99_ns: time("99 % are not above"),
  lat_p999_ns: time("99.9 % are not above"),
  lat_max_ns: time("the longest"),
  buffer_wait_mean_ns: time("for a buffer of the pool, by command"),
  buffer_wait_p99_ns: time("99 % waited no longer"),
  cpu_per_command_ns: time("CPU time of the load's process by command"),
  cpu_quiet_ns: about(
    v.nullable(v.number()),
    "the same in a quiet interval: the 10th percentile over intervals; null: too short to say",
  ),
  pool_length: count("extra buffers at the end"),
  pool_length_peak: count("the most there were"),
  pool_preallocated: count("buffers made at the start"),
  pool_cap: about(v.nullable(v.number()), "extra buffers at most; null: no cap"),
  allocations: count("in the measured time"),
  head_blocked: count("the pool's head was pinned while another was idle, in the measured time"),
  pool_touches: count(
    "times that a frame's buffer was pinned and the pool was used, in the measured time",
  ),
  dry: count("no buffer was available, in the measured time"),
  kicks: count("in the measured time"),
  kick_stall_ns: number("time spent waiting for kicks, in the measured time"),
  kick_commands_p50: about(
    v.optional(v.nullable(v.number()), null),
    "commands that ended from one kick to the next, the median; null: fewer than two kicks, or a file made before this key",
  ),
  retransmits: count("frames sent again, from discovery on"),
  failures: count("commands that ended with an error"),
  mismatches: count("sectors that were read wrong (verify)"),
  receive_drops: count("frames that the load's socket lost because its buffer was full"),
  steady: about(
    v.nullable(v.boolean()),
    "whether the rate was steady; null: the run was too short to say",
  ),
  littles_law_holds: about(
    v.boolean(),
    "littles_law.ts; if false, no time of the trial is reliable",
  ),
});

const SocketDropsSchema = v.object({
  receive: count("lost because the socket's buffer was full (PACKET_STATISTICS)"),
  busy: count("the send buffer was full, so it was tried again later"),
  errors: count("refused by the kernel on transmit, or beyond the target's buffer count"),
});

export const DropsSchema = v.object({
  initiator: SocketDropsSchema,
  target: about(v.nullable(SocketDropsSchema), "null: the target did not report it"),
});

export const LoadSchema = v.object({
  address: text("the device, e7.3"),
  interface: about(v.nullable(v.string()), "null: the memory link"),
  host: about(
    v.optional(v.string()),
    "that it ran on, by its name in the job; absent: this machine",
  ),
  figures: FiguresSchema,
  fio: about(v.record(v.string(), v.unknown()), "fio's json+ with an `aoe` block in jobs[0]"),
});

export type Figures = Deep<v.InferOutput<typeof FiguresSchema>>;

export type Drops = Deep<v.InferOutput<typeof DropsSchema>>;

export type LoadResult = Deep<v.InferOutput<typeof LoadSchema>>;
