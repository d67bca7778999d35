// All that a result says in summary, from what was measured.

import { barsOf, LOADS } from "./bars.ts";
import type { PeersResult } from "./peers_result.ts";
import { meansOf, summarize } from "./summary.ts";

type Measured = Pick<PeersResult, "arms" | "trials" | "idle">;
type Summary = Pick<PeersResult, "cells" | "one_cpu" | "loads" | "means" | "bars">;

export function summaryOf({ arms, trials, idle }: Measured): Summary {
  const names = arms.map(({ arm }) => arm);
  const generators = [LOADS.ours, LOADS.c, LOADS.spinning];
  const cells = summarize(trials, "cells", names);
  const one_cpu = summarize(trials, "one-cpu", names);
  const loads = summarize(trials, "load", generators);
  return {
    cells,
    one_cpu,
    loads,
    means: [
      ...meansOf("cells", cells, names),
      ...meansOf("one-cpu", one_cpu, names),
      ...meansOf("load", loads, generators),
    ],
    bars: barsOf({ cells, one_cpu, loads, idle }),
  };
}
