// The simulator against the world: the same load under the same fault, once over the memory link and the
// virtual clock and once over raw sockets in a lab, must count the same.
//
// Tolerance: a counter may differ by 2, or by a tenth where that is more: a machine that stalls for longer
// than the RTO of 60 ms sends once more, and the random numbers differ from there on.

import { expect, test } from "bun:test";

import { createMemoryPair } from "../../link/memory.ts";
import { openPacketLink } from "../../link/packet.ts";
import { iterate } from "../../link/loop.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import { now } from "../../sys/clock.ts";
import { testsInLab } from "../suites/in_lab.ts";
import { LAB_CABLE, memoryCable, OTHER_PLANS } from "./fault_check.ts";
import { createFaultRun, type FaultCounts } from "./fault_case.ts";

const COMMANDS = 120;
/** Every kind that a plan can name, and what it must count to have been tried at all. */
const FAULTS: readonly (readonly [plan: string, counter: keyof FaultCounts])[] = [
  ["tx:drop:8%", "dropped"],
  ["rx:drop:8%", "dropped"],
  ["tx:duplicate:20%", "duplicated"],
  ["rx:duplicate:20%", "duplicated"],
  ["tx:delay:uniform/0us/1ms", "delayed"],
  ["rx:delay:uniform/0us/1ms", "delayed"],
  ["tx:reorder:20%/2ms", "reordered"],
  ["rx:reorder:20%/2ms", "reordered"],
  ["tx:corrupt:5%/payload", "corrupted"],
  ["rx:corrupt:5%/header", "corrupted"],
  ...OTHER_PLANS,
];

function simulated(plan: string): FaultCounts {
  const clock = createVirtualClock();
  const [near, far, control] = createMemoryPair({ clock, latency: 20e3 });
  const run = createFaultRun(plan, COMMANDS, near, far, clock, memoryCable(control));
  if (!runVirtual(run.cores, clock, run.over, 1e12)) throw new Error("it did not end");
  return run.counts();
}

test("each fault shows in the simulation by the counter that is its own", () => {
  for (const [plan, counter] of FAULTS) {
    const counts = simulated(plan);
    expect([plan, counts[counter] > 0]).toEqual([plan, true]);
    if (!/^[a-z]+:/.test(plan)) expect(counts.happened).toBeGreaterThan(1);
    expect([plan, counts.ok + counts.timeouts + counts.errors]).toEqual([plan, COMMANDS]);
    expect(simulated(plan)).toEqual(counts);
  }
}, 60_000);

/** Reads and writes of the machine's own network stack for one run, until it is over. */
function overRawSockets(plan: string): FaultCounts {
  const near = openPacketLink({ interface: "a0" });
  const far = openPacketLink({ interface: "b0" });
  try {
    const run = createFaultRun(plan, COMMANDS, near, far, { now }, LAB_CABLE);
    const deadline = now() + 20e9;
    while (!run.over()) {
      for (const core of run.cores) iterate(core, now());
      if (now() > deadline) throw new Error(`${plan} did not end: ${JSON.stringify(run.counts())}`);
    }
    const counts = run.counts();
    run.close();
    return counts;
  } finally {
    near.close();
    far.close();
  }
}

testsInLab(import.meta.path, {}, () => {
  test("under each kind of fault raw sockets count what the simulation counts", () => {
    const lines: string[] = [];
    for (const [plan] of FAULTS) {
      const expected = simulated(plan);
      const got = overRawSockets(plan);
      const differing: string[] = [];
      for (const [key, value] of Object.entries(expected) as [keyof FaultCounts, number][]) {
        const off = Math.abs(got[key] - value);
        if (off > 0) differing.push(`${key} ${value} / ${got[key]}`);
        if (off > Math.max(2, value * 0.1)) {
          throw new Error(`${plan}: ${key} is ${value} simulated, ${got[key]} over raw sockets`);
        }
      }
      lines.push(`  ${plan}: ${differing.length === 0 ? "all equal" : differing.join(", ")}`);
    }
    console.log(`simulated / over raw sockets, ${COMMANDS} commands each:\n${lines.join("\n")}`);
    expect(lines).toHaveLength(FAULTS.length);
  }, 60_000);
});
