// The pool's micro-benchmark at smoke size: it runs, measures something, and allocates nothing.

import { expect, test } from "bun:test";
import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import { allocationsPerCall } from "../../testing/doubles/allocations.ts";
import { costOf } from "./micro_case.ts";
import { cycle, SITUATIONS } from "./pool.bench.ts";

for (const situation of SITUATIONS) {
  for (const strategy of STRATEGIES) {
    const work = cycle(strategy, situation);
    if (work === null) continue;

    test(`${situation}: ${strategy} has a figure`, async () => {
      const { least_ns, median_ns } = await costOf(work, 0.002);
      console.log(`${situation}: ${strategy} ${median_ns.toFixed(1)} ns at smoke size`);
      expect(least_ns).toBeGreaterThan(0.5);
      expect(median_ns).toBeGreaterThanOrEqual(least_ns);
    });

    if (situation === "heap") continue;
    test(`${situation}: ${strategy} allocates nothing per command`, () => {
      expect(allocationsPerCall(work)).toBeLessThan(0.01);
    });
  }
}
