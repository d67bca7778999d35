// How trials of an experiment were run, as its result keeps it.

import * as v from "valibot";

export const settingEntries = {
  rounds: v.number(),
  runtime_ns: v.number(),
  /** Of trials whose ends have a CPU each; those on one CPU take four times that (peers/trial.ts). */
  warm_up_ns: v.number(),
  mtu: v.number(),
  /** CPU; null: not pinned. */
  target_cpu: v.nullable(v.number()),
  load_cpu: v.nullable(v.number()),
};

interface Asked {
  readonly rounds: number;
  readonly runtime: number;
  readonly warmUp: number;
  readonly mtu: number;
}

export function settingOf(
  { rounds, runtime, warmUp, mtu }: Asked,
  { target, load }: { readonly target: number | null; readonly load: number | null },
) {
  return {
    rounds,
    runtime_ns: runtime,
    warm_up_ns: warmUp,
    mtu,
    target_cpu: target,
    load_cpu: load,
  };
}
