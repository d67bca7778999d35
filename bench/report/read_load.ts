// A document of `aoe bench load --json` as a run of one cell and one trial, so that every section
// that draws a run draws it too.

import * as v from "valibot";
import { isKey } from "../job/keys.ts";
import { FiguresSchema } from "../load/figures.ts";
import { ProvenanceSchema } from "../machine/provenance.ts";
import { runOf } from "../result/result_file.ts";
import { RunSchema, type RunResult } from "../result/result.ts";

const DocumentSchema = v.looseObject({
  "fio version": v.string(),
  timestamp_ms: v.number(),
  jobs: v.tupleWithRest(
    [
      v.looseObject({
        "job options": v.record(v.string(), v.string()),
        aoe: v.looseObject({ figures: FiguresSchema, interrupted: v.optional(v.boolean(), false) }),
      }),
    ],
    v.unknown(),
  ),
  aoe: v.looseObject({
    schema_version: v.number(),
    device: v.string(),
    interface: v.string(),
    mtu: v.number(),
    link: RunSchema.entries.link.pipe[0],
    pinning: v.nullable(v.array(v.number())),
    provenance: ProvenanceSchema,
  }),
});

/** null: it is no such document. */
export function runOfLoad(file: string, document: unknown): RunResult | null {
  const parsed = v.safeParse(DocumentSchema, document);
  if (!parsed.success) return null;
  const { aoe, jobs, timestamp_ms: at } = parsed.output;
  const [{ "job options": texts, aoe: own }] = jobs;
  const { figures, interrupted } = own;
  const values = Object.fromEntries(Object.entries(texts).filter(([key]) => isKey(key)));
  const load = { address: aoe.device, interface: aoe.interface, figures, fio: parsed.output };
  const trial = {
    ...{ order: 0, attempt: 0, disturbed: false, exit_code: 0, failure: null },
    ...{ elapsed_ns: figures.runtime_ns, cpu_ns: null, others_cpu_ns: null },
    ...{ figures, loads: [load], drops: null },
  };
  const cell = {
    ...{ job: "load", axes: {}, values, trials: [trial], discarded: [] },
    ...{ median: figures, floor: null, thresholds: [] },
  };
  const run = {
    ...{ schema_version: aoe.schema_version, kind: "aoe bench run", arm: "run" },
    ...{ started_at: new Date(at).toISOString(), elapsed_ns: figures.runtime_ns },
    ...{ job: { file, sections: {} }, seed: Number(texts["randseed"] ?? 1), link: aoe.link },
    ...{ fallback: null, pinning: { target: null, load: aoe.pinning?.[0] ?? null } },
    interfaces: [{ name: aoe.interface, mtu: aoe.mtu, offloads: {}, coalescing: {} }],
    ...{ provenance: aoe.provenance, cut_short: interrupted, warnings: [], findings: [] },
    cells: [cell],
  };
  // Keys that only a run has are there as the schema says.
  return runOf(v.parse(RunSchema, run));
}
