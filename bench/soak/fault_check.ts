// One fault, twice: over the memory link under the virtual clock, and over raw sockets in a lab, with the
// same plan, the same dice and the same workload. The counters must agree.
//
// The k-th frame of a direction meets the k-th number of its dice in both, so that what befalls it is
// the same; what differs is time. A wake-up that comes later than the RTO (40 ms here) sends a frame once more
// than in theory, and shifts what follows. Hence the tolerance: each counter within 3 or a tenth of the larger.

import type { Device } from "../../initiator/device.ts";
import { createInitiator } from "../../initiator/initiator.ts";
import { createPool } from "../../initiator/pool/buffer_pool.ts";
import { drive } from "../../link/drive.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { createFaults } from "../../link/faults.ts";
import type { Link } from "../../link/link.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { openPacketLink } from "../../link/packet.ts";
import { createPollWaiter } from "../../link/ppoll_waiter.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import type { Waiter } from "../../link/waiter.ts";
import { Export } from "../../target/export.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/target.ts";
import { failed } from "../../words/failure.ts";
import { createRandom } from "../../words/random.ts";
import { Pump } from "./pump.ts";
import { severalCores } from "./several_cores.ts";

const ADDRESS = { major: 7, minor: 3 };
const SECTORS = 4096;
/** ns: far above a round trip over veth, so that only what is lost is sent again. */
const RTO = 40e6;
/** Within this of each other, or within TOLERANCE of the larger. */
export const SLACK = 3;
export const TOLERANCE = 0.1;

/** Every fault of link/faults.ts, in each direction, at a rate that shows in few frames. */
export const FAULT_PLANS: readonly string[] = ["tx", "rx"].flatMap((direction) => [
  `${direction}:drop:6%`,
  `${direction}:duplicate:10%`,
  `${direction}:reorder:10%/2ms`,
  `${direction}:corrupt:6%/header`,
  `${direction}:corrupt:10%/payload`,
  `${direction}:delay:uniform/0us/1ms`,
]);

export type Counters = Readonly<Record<string, number>>;

interface Ends {
  readonly near: Link;
  readonly far: Link;
  readonly clock: Waiter;
  run(
    until: () => boolean,
    cores: readonly Parameters<typeof runVirtual>[0][number][],
  ): Promise<boolean>;
}

async function countersOf(
  ends: Ends,
  plan: string,
  seed: number,
  commands: number,
): Promise<Counters> {
  const { clock } = ends;
  const random = createRandom(seed);
  const none = parseFaults("", "faults");
  const link = createFaults(ends.near, none, { clock, random: random.fork("faults") });
  const target = new Target();
  target.addExport(new Export({ ...ADDRESS, store: createMemoryStore(SECTORS) }));
  const port = target.addPort(ends.far, "far");
  const initiator = createInitiator({
    links: [link],
    clock,
    random: random.fork("tags"),
    pool: (on, frameBytes) =>
      createPool({ link: on, frameBytes, strategy: "completion", preallocated: 16, cap: 256 }),
    rtt: { first: RTO, floor: RTO, ceiling: RTO },
    packetLife: 50e6,
    identify: false,
  });
  const cores = [target, initiator];
  target.begin(clock.now());
  initiator.begin(clock.now());
  initiator.discover(ADDRESS);
  await ends.run(() => initiator.device(ADDRESS) !== undefined, cores);
  const device = initiator.device(ADDRESS) as Device;
  initiator.begin(clock.now());
  device.identify();
  if (!(await ends.run(() => device.identity !== null, cores))) throw failed("nobody is there");
  // Only now: what went before took a different time in each.
  link.setPlan(parseFaults(plan, "faults"));
  const before = { ...device.counters };
  const pump = new Pump(device, random.fork("workload"), SECTORS, commands);
  initiator.begin(clock.now());
  pump.start(1);
  if (!(await ends.run(() => pump.over, cores))) throw failed(`${plan}: commands never end`);
  const { tx, rx } = link.faults;
  const counters: Record<string, number> = {
    good: pump.counters.good,
    failed: pump.counters.failed,
    timeouts: pump.counters.timeouts,
    transmits: device.counters.transmits - before.transmits,
    retransmits: device.counters.retransmits,
    stale: device.counters.stale,
    target_duplicates: port.counters.duplicatesAnswered + port.counters.duplicatesDropped,
  };
  for (const [direction, said] of [
    ["tx", tx],
    ["rx", rx],
  ] as const) {
    for (const name of ["dropped", "corrupted", "duplicated", "delayed", "reordered"] as const) {
      counters[`${direction}_${name}`] = said[name];
    }
  }
  initiator.close();
  return counters;
}

/** Under the virtual clock: the same figures for ever. */
export function inTheory(plan: string, seed: number, commands: number): Promise<Counters> {
  const clock = createVirtualClock();
  const [near, far] = createMemoryPair({ clock, mtu: 1500, latency: 20e3 });
  return countersOf(
    {
      near,
      far,
      clock,
      run: async (until, cores) => runVirtual(cores, clock, until, clock.now() + 1e12),
    },
    plan,
    seed,
    commands,
  );
}

/** Over raw sockets between two interfaces of a lab. */
export async function inTheWorld(plan: string, seed: number, commands: number): Promise<Counters> {
  const clock = createPollWaiter();
  const near = openPacketLink({ interface: "a0" });
  const far = openPacketLink({ interface: "b0" });
  for (const link of [near, far]) for (const fd of link.fds) clock.add(fd);
  try {
    const run: Ends["run"] = async (until, cores) => {
      const end = clock.now() + 60e9;
      let met = false;
      await drive({
        core: severalCores(cores),
        waiter: clock,
        until: () => {
          met = until();
          return met || clock.now() >= end;
        },
      });
      return met;
    };
    return await countersOf({ near, far, clock, run }, plan, seed, commands);
  } finally {
    near.close();
    far.close();
    clock.close();
  }
}

/** The counters that are further apart than the tolerance, a sentence each. */
export function apart(theory: Counters, world: Counters): string[] {
  return Object.keys(theory).flatMap((name) => {
    const [a, b] = [theory[name] ?? 0, world[name] ?? 0];
    const allowed = Math.max(SLACK, TOLERANCE * Math.max(a, b));
    return Math.abs(a - b) <= allowed ? [] : [`${name}: ${a} in theory, ${b} over raw sockets`];
  });
}
