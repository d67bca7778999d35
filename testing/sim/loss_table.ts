// The golden table of loss: what reads and writes keep of their rate where frames get lost, come twice or are
// overtaken, in exact integers.
//
//   the target × reads, writes or rewrites × faults in both directions
//     → commands, retransmits, writes held back, commands a second of virtual time, per mille of the same path
//       without loss
//
// Each cell: 16 commands out at a time, for as long as its target says. `writes` go each to a place of their own,
// `rewrites` often to the same ones, which the hold-back keeps apart: their rate follows from the packet life, so that
// they are run for two of those, and only where frames get lost.

import { MS, US } from "../../words/quantity.ts";
import type { Figures } from "./figures.ts";
import type { Scenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";
import type { Row, Shape } from "./table_file.ts";

const DEPTH = 16;
const PACKET_LIFE = 1000 * MS;

/** How each is run, ns. */
const TARGETS = [
  ["delay:5us", 50 * MS],
  ["lanes:8,delay:50us", 100 * MS],
  ["lanes:8,delay:1ms", 1000 * MS],
] as const;
const LOADS = ["reads", "writes", "rewrites"] as const;
/** `late`: copies and frames that others overtake; `all`: loss as well. In both directions. */
const FAULTS = {
  none: [],
  loss: ["drop:5%"],
  late: ["duplicate:5%", "reorder:25%/1ms"],
  all: ["drop:5%", "duplicate:5%", "reorder:25%/1ms"],
} as const;

type Load = (typeof LOADS)[number];
type Key = "target" | "load" | "faults";
type Figure = "commands" | "retransmits" | "held_back" | "commands_per_s" | "kept_per_mille";
export type LossRow = Row<Key | Figure>;

export const LOSS: Shape<Key, Figure> = {
  keys: ["target", "load", "faults"],
  figures: ["commands", "retransmits", "held_back", "commands_per_s", "kept_per_mille"],
  nameOf: ({ target, load, faults }) => `${load}, target ${target}, faults ${faults}`,
};

function scenarioOf(
  service: string,
  load: Load,
  faults: readonly string[],
  time: number,
): Scenario {
  return {
    seed: 1,
    mtu: 1500,
    latency: 5 * US,
    packetLife: PACKET_LIFE,
    targets: [
      {
        ports: 1,
        sectors: load === "rewrites" ? 256 : 65_536,
        bufferCount: 64,
        service,
        faults: "",
        reclaim: "eager",
        storePolls: 0,
      },
    ],
    initiators: [
      {
        links: 1,
        faults: ["tx", "rx"].flatMap((way) => faults.map((fault) => `${way}:${fault}`)).join(","),
        reclaim: "eager",
        pool: { strategy: "completion", preallocated: DEPTH, cap: 256, verify: 0 },
        kick: 100 * MS,
        timeout: 10_000 * MS,
        windowLaw: "steady",
        retransmitTag: "same",
        commands: 1e9,
        iodepth: DEPTH,
        span: 1,
        reads: load === "reads" ? 100 : 0,
        flushes: 0,
        cancels: 0,
        think: 0,
        ...(load === "writes" ? { apart: 1 } : {}),
      },
    ],
    events: [],
    calmAt: time,
  };
}

/** Row by row, as each is run. Throws where a run breaks a rule of the simulator. */
export function* lossRows(): Generator<LossRow> {
  for (const [target, usual] of TARGETS) {
    const rates = new Map<string, number>();
    for (const load of LOADS) {
      const [time, of] = load === "rewrites" ? [2 * PACKET_LIFE, "writes"] : [usual, load];
      for (const [faults, plan] of Object.entries(FAULTS)) {
        const lossless = faults === "none" || faults === "late";
        if (load === "rewrites" && lossless) continue;
        let loaded: Figures | null = null;
        const { failure } = simulate(scenarioOf(target, load, plan, time), {
          loaded: (figures) => {
            loaded = figures;
          },
        });
        const figures = loaded as Figures | null;
        if (failure !== null || figures === null) {
          throw new Error(`${target}, ${load}, ${faults}: ${failure?.message ?? "was not loaded"}`);
        }
        const rate = Math.floor((figures.commands * 1e9) / figures.virtual_ns);
        if (lossless) rates.set(`${load} ${faults}`, rate);
        const clean = rates.get(`${of} ${faults === "all" || faults === "late" ? "late" : "none"}`);
        yield {
          target,
          load,
          faults,
          commands: `${figures.commands}`,
          retransmits: `${figures.retransmits}`,
          held_back: `${figures.held_back}`,
          commands_per_s: `${rate}`,
          kept_per_mille: `${Math.floor((1000 * rate) / (clean ?? rate))}`,
        };
      }
    }
  }
}
