// How fast a simulated command is: one initiator, one target, nothing in the way, every checker at work.
// What a run of seeds takes beside this is what is built for each, and what faults cost.

import { US } from "../../words/quantity.ts";
import type { Scenario } from "./scenario.ts";

/** One sector a command, half of them reads, a flush in a hundred. */
export function speedScenario(commands: number): Scenario {
  return {
    seed: 1,
    mtu: 1500,
    latency: 5 * US,
    packetLife: 1e9,
    targets: [
      {
        ports: 1,
        sectors: 64,
        bufferCount: 16,
        service: "",
        faults: "",
        reclaim: "eager",
        storePolls: 0,
      },
    ],
    initiators: [
      {
        links: 1,
        faults: "",
        reclaim: "eager",
        pool: { strategy: "completion", preallocated: 16, cap: 64, verify: 0 },
        kick: 100e6,
        timeout: 10e9,
        windowLaw: "slow-start",
        retransmitTag: "same",
        commands,
        iodepth: 16,
        span: 1,
        reads: 50,
        flushes: 1,
        cancels: 0,
        think: 0,
      },
    ],
    events: [],
    calmAt: 1e12,
  };
}
