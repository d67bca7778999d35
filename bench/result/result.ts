// The result of `aoe bench run`, as written by --json and -o: everything that the table, the sentences and
// a report are made from, and what is needed to repeat the run. `aoe bench schema` prints it as JSON Schema
// (docs/result.schema.json). Units stand in the names of keys; a key never vanishes, null says "not known".
//
//   RunResult ─ provenance, job (as resolved, with origins), pinning, warnings, findings
//     └ cells[]      a combination of the job's lists: axes (what varies, as labelled), values (every key)
//         ├ trials[]    in the order they ran; one that others disturbed was repeated and stands in discarded[]
//         │   ├ figures    the trial as a whole, over all of its loads
//         │   ├ loads[]    one for each initiator and target: figures, and fio's json+ document, in whose
//         │   │            jobs[0].aoe stand latency_split, lat_buckets_ns, series, stalls_ns, pool, window, rtt
//         │   └ drops      frames lost at both ends
//         ├ median      what the trials come to, figure by figure (cell_figures.ts)
//         ├ floor       the same load against a null target over the same link: the harness's own cost
//         └ thresholds  of the job file, each with the value found
//
//   jobs[0].aoe.lat_buckets_ns   [[start, count], …] of histogram.ts, exact, so that trials can be merged
//   jobs[0].aoe.series           columns of equal length, one place for each sample (series.ts)
//   jobs[0].aoe.stalls_ns        [[begin, duration], …] from the measured time's begin: the kick was waited for

import * as v from "valibot";
import { PINNING_LINKS } from "../../initiator/session/raw_link.ts";
import type { KeyName } from "../job/keys.ts";
import { about, number, count, text, type Deep } from "../machine/schema.ts";
import { FactSchema } from "../machine/system_facts.ts";
import { ProvenanceSchema } from "../machine/provenance.ts";
import { FiguresSchema, DropsSchema, LoadSchema } from "../load/figures.ts";

const StartSchema = v.object({
  spread_ns: number("from the first to the last begin of a load's measured time"),
  overlap: number("share of the longest measured time that all loads have in common"),
  clocks: about(
    v.array(
      v.object({
        host: text("its name in the job"),
        offset_ns: number("its CLOCK_MONOTONIC less the controller's"),
        bound_ns: number("the offset is right within so much"),
        rtt_ns: number("the shortest round trip, by which it was measured"),
      }),
    ),
    "of each host, before and after the trial taken together",
  ),
});

export const TrialSchema = v.object({
  order: count("place in the order in which trials ran, from 0"),
  attempt: count("0, or how many disturbed attempts went before"),
  disturbed: about(v.boolean(), "others used more of the trial's CPUs than is allowed"),
  exit_code: number("of the trial's processes, the first that failed"),
  failure: about(v.nullable(v.string()), "one sentence where the trial failed, else null"),
  elapsed_ns: number("with start and end of the processes"),
  cpu_ns: about(v.nullable(v.number()), "CPU time of the trial's processes; null: not known"),
  others_cpu_ns: about(v.nullable(v.number()), "of all others on the CPUs it ran on"),
  steal_ns: about(
    v.optional(v.nullable(v.number())),
    "of others_cpu_ns, what the hypervisor gave to other machines; absent in older results",
  ),
  figures: about(v.nullable(FiguresSchema), "over all loads; null where the trial failed"),
  start: about(
    v.optional(v.nullable(StartSchema), null),
    "over hosts: how the loads began; null: they ran on one machine, or the trial failed",
  ),
  loads: about(
    v.array(LoadSchema),
    "one for each initiator: its figures, and its document in the form of fio's json+",
  ),
  drops: about(v.nullable(DropsSchema), "at both ends; null where the trial failed"),
});

export const ThresholdSchema = v.object({
  threshold: text("as in the job file, `lat.p99<2ms`"),
  value: about(v.nullable(v.number()), "found (durations in ns); null: no data"),
  shown: text("the value for a person, with its unit"),
  held: about(v.boolean(), "whether the threshold was met; false without data"),
});

export const CellSchema = v.object({
  job: text("section of the job file"),
  axes: about(v.record(v.string(), v.string()), "label of each key that varies"),
  values: about(v.record(v.string(), v.string()), "text of every key"),
  trials: about(v.array(TrialSchema), "in the order they ran"),
  discarded: about(v.array(TrialSchema), "disturbed attempts that were repeated"),
  median: about(
    v.nullable(FiguresSchema),
    "each figure's median over the trials (the largest value of lat_max, pool_length_peak, failures and mismatches); null: no trial ended well",
  ),
  floor: about(
    v.nullable(FiguresSchema),
    "the same load against a null target over the same link; null: not measured",
  ),
  thresholds: about(v.array(ThresholdSchema), "of the job file, each with what was found"),
});
const ChoiceSchema = v.object({ label: v.string(), text: v.string() });
const ResolvedSchema = v.object({
  origin: v.picklist(["default", "global", "job", "set"]),
  choices: v.array(ChoiceSchema),
});

export const InterfaceSchema = v.object({
  name: v.string(),
  mtu: about(v.nullable(v.number()), "null: not known"),
  offloads: about(v.record(v.string(), v.string()), "of `ethtool -k`; empty: not told"),
  coalescing: about(v.record(v.string(), v.string()), "of `ethtool -c`; empty: not told"),
  state: about(
    v.optional(v.record(v.string(), FactSchema)),
    "driver, rings, queues, limits, interrupts, qdisc; absent in results of older programs",
  ),
});

const HostSchema = v.object({
  name: text("in the job; never an address"),
  role: v.picklist(["target", "initiator"]),
  became: text("`sudo` or `no`"),
  cpus: about(v.array(v.number()), "that its target or load ran on"),
  driver: about(v.nullable(v.string()), "of its interface"),
  interface: InterfaceSchema,
  provenance: ProvenanceSchema,
});

export const RunSchema = v.object({
  schema_version: number(
    "raised when a key changes its meaning or goes; a new key alone does not raise it",
  ),
  kind: about(v.literal("aoe bench run"), "what wrote it"),
  started_at: text("ISO 8601"),
  elapsed_ns: number("of the whole run"),
  arm: text("`run`, or which side of a comparison: base, head, control"),
  job: about(
    v.object({
      file: v.string(),
      sections: v.record(v.string(), v.record(v.string(), ResolvedSchema)),
    }),
    "as resolved: each key with its values and where they came from",
  ),
  seed: number("of the order of trials"),
  link: about(v.picklist(["packet", ...PINNING_LINKS, "memory", "virtual"]), "how the trials ran"),
  fallback: about(
    v.nullable(v.string()),
    "why it was the memory link though the job left the choice",
  ),
  pinning: about(
    v.object({
      target: about(v.nullable(v.number()), "CPU; null: not pinned"),
      load: v.nullable(v.number()),
    }),
    "CPUs of target and load",
  ),
  interfaces: about(
    v.array(InterfaceSchema),
    "existing interfaces that the run used; empty: each trial made its own veth pair, whose MTU is a key",
  ),
  hosts: about(
    v.optional(v.array(HostSchema), []),
    "of a job over hosts, as they were before the first trial; empty: it ran on one machine",
  ),
  provenance: about(
    ProvenanceSchema,
    "program and revision, Bun, kernel, CPU, governor, machine, user",
  ),
  cut_short: about(
    v.optional(v.boolean(), false),
    "a signal ended the run before all of its trials had run",
  ),
  warnings: about(v.array(v.string()), "sentences: what makes the figures less sure"),
  cells: about(v.array(CellSchema), "one for each combination of a job's lists"),
  findings: about(v.array(v.string()), "sentences, made from the figures and from nothing else"),
});
export type Trial = Deep<v.InferOutput<typeof TrialSchema>>;
export type ThresholdResult = Deep<v.InferOutput<typeof ThresholdSchema>>;
type Cell = Deep<v.InferOutput<typeof CellSchema>>;
type Run = Deep<v.InferOutput<typeof RunSchema>>;

/** A cell whose keys are those that this program knows. */
export type CellResult = Omit<Cell, "axes" | "values"> & {
  readonly axes: Readonly<Partial<Record<KeyName, string>>>;
  readonly values: Readonly<Record<KeyName, string>>;
};
export type RunResult = Omit<Run, "cells"> & { readonly cells: readonly CellResult[] };

/** Frames of such a run cross a kernel. */
export function overSockets(link: RunResult["link"]): boolean {
  return link !== "memory" && link !== "virtual";
}
