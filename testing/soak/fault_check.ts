// One fault, twice: over the memory link under the virtual clock, and over raw sockets in a lab, with the
// same plan, the same random numbers and the same load (fault_case.ts). The counters must agree.
//
// The k-th frame of a direction gets the k-th random number in both, so the same faults affect it; only the times
// differ. A wake-up that comes later than the RTO sends a frame once more
// than in theory, and shifts what follows. Hence the tolerance: each counter within 3 or a tenth of the larger.

import { drive } from "../../link/drive.ts";
import { createMemoryPair, type MemoryControl } from "../../link/memory.ts";
import { openPacketLink } from "../../link/packet.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import { failed } from "../../words/failure.ts";
import { type Cable, createFaultRun, type FaultCounts } from "./fault_case.ts";
import { severalCores } from "../../link/several_cores.ts";
import { ip } from "./world.ts";

/** Within this of each other, or within TOLERANCE of the larger. */
const SLACK = 3;
const TOLERANCE = 0.1;
/** How long one run over raw sockets may take, ns. */
const PATIENCE = 60e9;

/** Every fault of link/faults.ts in each direction, and the counter that is its own. */
export const FAULT_PLANS: readonly (readonly [plan: string, counter: keyof FaultCounts])[] = [
  "tx",
  "rx",
].flatMap((direction) => [
  [`${direction}:drop:6%`, "dropped"] as const,
  [`${direction}:duplicate:10%`, "duplicated"] as const,
  [`${direction}:reorder:10%/2ms`, "reordered"] as const,
  [`${direction}:corrupt:6%/header`, "corrupted"] as const,
  [`${direction}:corrupt:10%/payload`, "corrupted"] as const,
  [`${direction}:delay:uniform/0us/1ms`, "delayed"] as const,
]);

/** What goes wrong at the target, at the cable and with the target's machine (fault_case.ts). */
export const OTHER_PLANS: readonly (readonly [plan: string, counter: keyof FaultCounts])[] = [
  ["service:error:unc/15%", "errors"],
  ["service:error:3/15%", "errors"],
  ["service:drop:6%", "retransmits"],
  ["service:duplicate:10%", "stale_answers"],
  ["service:reorder:10%/40ms", "slow"],
  ["service:hang:2%", "timeouts"],
  ["flap:150ms", "retransmits"],
  ["crash:150ms", "retransmits"],
  ["mtu:600", "pieces"],
];

/** Both ends lose their carrier when a cable is out. */
export function memoryCable(control: MemoryControl): Cable {
  return {
    setMtu: (mtu) => control.setMtu(mtu),
    down: () => {
      for (const port of [0, 1]) control.down(port);
    },
    up: () => {
      for (const port of [0, 1]) control.up(port);
    },
  };
}

/** Of a lab's pair: with one end down the other has no carrier. */
export const LAB_CABLE: Cable = {
  setMtu: (mtu) => {
    for (const end of ["a0", "b0"]) ip("link", "set", end, "mtu", String(mtu));
  },
  down: () => ip("link", "set", "b0", "down"),
  up: () => ip("link", "set", "b0", "up"),
};

/** Under the virtual clock: the same figures for ever. */
export function inTheory(plan: string, commands: number): FaultCounts {
  const clock = createVirtualClock();
  const [near, far, control] = createMemoryPair({ clock, mtu: 1500, latency: 20e3 });
  const run = createFaultRun(plan, commands, near, far, clock, memoryCable(control));
  if (!runVirtual(run.cores, clock, run.over, 1e13)) throw failed(`${plan}: commands never end`);
  return run.counts();
}

/** Over raw sockets between the two ends of a lab's pair. */
export async function inTheWorld(plan: string, commands: number): Promise<FaultCounts> {
  const clock = createPollWaiter();
  const near = openPacketLink({ interface: "a0" });
  const far = openPacketLink({ interface: "b0" });
  for (const link of [near, far]) for (const fd of link.fds) clock.add(fd);
  try {
    const run = createFaultRun(plan, commands, near, far, clock, LAB_CABLE);
    const end = clock.now() + PATIENCE;
    await drive({
      core: severalCores(run.cores),
      waiter: clock,
      until: () => run.over() || clock.now() >= end,
    });
    if (!run.over()) throw failed(`${plan}: commands never end`);
    const counts = run.counts();
    run.close();
    return counts;
  } finally {
    near.close();
    far.close();
    clock.close();
  }
}

/** The counters that are further apart than the tolerance, a sentence each. */
export function apart(theory: FaultCounts, world: FaultCounts): string[] {
  return (Object.keys(theory) as (keyof FaultCounts)[]).flatMap((name) => {
    const [a, b] = [theory[name], world[name]];
    const allowed = Math.max(SLACK, TOLERANCE * Math.max(a, b));
    return Math.abs(a - b) <= allowed ? [] : [`${name}: ${a} in theory, ${b} over raw sockets`];
  });
}
