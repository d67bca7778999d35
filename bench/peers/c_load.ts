// The load generator in C (load.c): its command line and what it says, for peers and growth.

import { join } from "node:path";
import * as v from "valibot";
import { US } from "../../words/quantity.ts";

/** Places are all of the file's, or `count` from number `from` on. */
export interface CLoadStage {
  /** `order`: each place once, `ns` at most. Only what is measured is told. */
  readonly kind: "order" | "warm" | "measure";
  readonly depth: number;
  readonly ns: number;
  readonly from?: number;
  readonly count?: number;
}

export interface CLoadTask {
  /** Where compileLimits has left it. */
  readonly programs: string;
  readonly shelf: string;
  readonly slot: string;
  readonly interfaces: readonly string[];
  readonly bytes: number;
  readonly rw: "read" | "write";
  readonly seed: number;
  /** Sleeps where nothing waits, without polling before. */
  readonly frugal?: boolean;
  /** Source addresses. */
  readonly initiators?: number;
  /** A file of lines `SHELF SLOT LBA`; without it anywhere on the export. */
  readonly places?: string;
  /** Process that is watched. */
  readonly watched?: number | null;
  readonly stages: readonly CLoadStage[];
}

export function cLoadWords(task: CLoadTask): string[] {
  const { watched = null, places } = task;
  return [
    join(task.programs, "load"),
    ...["-r", String(task.seed)],
    ...(task.frugal === true ? ["-f"] : []),
    ...(task.initiators === undefined ? [] : ["-i", String(task.initiators)]),
    ...(places === undefined ? [] : ["-p", places]),
    ...(watched === null ? [] : ["-w", String(watched)]),
    ...[task.shelf, task.slot, task.interfaces.join(","), String(task.bytes), task.rw],
    ...task.stages.map(({ kind, depth, ns, from, count }) => {
      const range = from === undefined || count === undefined ? [] : [from, count];
      return [kind, depth, Math.max(1, Math.round(ns / US)), ...range].join(":");
    }),
  ];
}

const FoundSchema = v.object({
  commands: v.number(),
  elapsed_ns: v.number(),
  /** Of the elapsed time, while it had something to do. */
  busy_ns: v.number(),
  /** null: no command ended. */
  lat_p50_ns: v.nullable(v.number()),
  lat_p99_ns: v.nullable(v.number()),
  lat_p999_ns: v.nullable(v.number()),
  /** Its own, polling included. */
  cpu_ns: v.number(),
  /** null: not watched, or this kernel does not count it. */
  target_cpu_ns: v.nullable(v.number()),
  target_resident_bytes: v.nullable(v.number()),
  retransmits: v.number(),
  receive_drops: v.number(),
  send_calls: v.number(),
});
const SaidSchema = v.object({
  /** Which way its frames left. */
  way: v.string(),
  stages: v.array(FoundSchema),
});
type CLoadSaid = v.InferOutput<typeof SaidSchema>;

/** null: it did not come to say all. */
export function readCLoad(stdout: string): CLoadSaid | null {
  try {
    return v.parse(SaidSchema, JSON.parse(stdout));
  } catch {
    return null;
  }
}
