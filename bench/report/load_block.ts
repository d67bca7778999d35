// What a report reads of a load's fio document: our `aoe` block in its first job. The document is foreign
// input, so whatever is not as it should be counts as not there: null, and the report says so.

import * as v from "valibot";
import type { Trial } from "../result/result.ts";

const Numbers = v.array(v.number());
const Pairs = v.array(v.tuple([v.number(), v.number()]));
/** Before schema version 2 a mean of nothing was 0. */
const Mean = v.object({ mean: v.nullable(v.number()), N: v.optional(v.number(), 1) });

const Series = v.object({
  at_ns: Numbers,
  pool_length: Numbers,
  owned: Numbers,
  pinned_only: Numbers,
});
const Slots = v.object({
  owned_least: Numbers,
  owned_mean: Numbers,
  owned_most: Numbers,
  held_least: Numbers,
  held_mean: Numbers,
  held_most: Numbers,
  extra_least: Numbers,
  extra_mean: Numbers,
  extra_most: Numbers,
});

const NONE = { mean: 0, N: 1 };
const Split = v.object({
  schedule_ns: Mean,
  /** Before schema version 2 it was in the window's part. */
  hold_back_ns: v.optional(Mean, NONE),
  window_wait_ns: Mean,
  buffer_wait_ns: Mean,
  /** Before schema version 2 it was `transmit_ns`. */
  link_wait_ns: v.optional(Mean),
  transmit_ns: v.optional(Mean, NONE),
  target_and_wire_ns: Mean,
});

const Stalls = v.object({ stalls_ns: Pairs, stall_count: v.number() });
const Levels = v.object({
  pool: v.object({
    held_by_link: v.object({ mean: v.number(), peak: v.number() }),
    occupancy: v.object({ mean: v.number(), peak: v.number() }),
    pool_length_peak: v.number(),
  }),
});

function blocks(trial: Trial): unknown[] {
  return trial.loads.map(({ fio }) => {
    const { jobs } = fio as { jobs?: unknown };
    const first: unknown = Array.isArray(jobs) ? jobs[0] : null;
    return (first as { aoe?: unknown } | null)?.aoe;
  });
}

function read<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> | null {
  const parsed = v.safeParse(schema, value);
  return parsed.success ? parsed.output : null;
}

/** [least duration, count] of the latencies of all loads of a trial. */
export function latencyBuckets(trial: Trial): [number, number][] {
  const Block = v.object({ lat_buckets_ns: Pairs });
  return blocks(trial).flatMap((block) => read(Block, block)?.lat_buckets_ns ?? []);
}

/** A level over the slot that ends with a sample, in columns. */
export interface Slotted {
  readonly least: readonly number[];
  readonly mean: readonly number[];
  readonly most: readonly number[];
}

export interface SeriesBlock {
  readonly at_ns: readonly number[];
  readonly owned: Slotted;
  readonly held: Slotted;
  readonly extra: Slotted;
  /** Older programs kept levels at the samples and nothing in between. */
  readonly sampled: boolean;
}

/** Of the trial's first load. */
export function seriesOf(trial: Trial): SeriesBlock | null {
  const [block] = blocks(trial);
  const series = read(v.object({ series: Series }), block)?.series ?? null;
  const slots = read(v.object({ series: Slots }), block)?.series ?? null;
  if (series === null || series.at_ns.length === 0) return null;
  const { at_ns, owned, pinned_only: held, pool_length: extra } = series;
  const columns = [...Object.values(series), ...Object.values(slots ?? {})];
  if (!columns.every((column) => column.length === at_ns.length)) return null;
  const at = (column: number[]): Slotted => ({ least: column, mean: column, most: column });
  if (slots === null) {
    return { at_ns, owned: at(owned), held: at(held), extra: at(extra), sampled: true };
  }
  const over = (name: "owned" | "held" | "extra"): Slotted => ({
    least: slots[`${name}_least`],
    mean: slots[`${name}_mean`],
    most: slots[`${name}_most`],
  });
  const names = { owned: over("owned"), held: over("held"), extra: over("extra") };
  return { at_ns, ...names, sampled: false };
}

export function levelsOf(trial: Trial): v.InferOutput<typeof Levels>["pool"] | null {
  return read(Levels, blocks(trial)[0])?.pool ?? null;
}

export function stallsOf(trial: Trial): v.InferOutput<typeof Stalls> | null {
  return read(Stalls, blocks(trial)[0]);
}

export const PARTS = [
  "schedule",
  "hold-back",
  "window",
  "buffer",
  "link",
  "target and wire",
] as const;

/** Mean ns of each of PARTS; null: not told, or of no command. */
export function splitOf(trial: Trial): number[] | null {
  const split = read(v.object({ latency_split: Split }), blocks(trial)[0])?.latency_split;
  if (split == null) return null;
  const means = [
    split.schedule_ns,
    split.hold_back_ns,
    split.window_wait_ns,
    split.buffer_wait_ns,
    split.link_wait_ns ?? split.transmit_ns,
    split.target_and_wire_ns,
  ].flatMap(({ mean, N }) => (N === 0 ? [] : (mean ?? [])));
  return means.length === PARTS.length ? means : null;
}
