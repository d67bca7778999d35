// The golden table: what each pool does under each kind of late release, in exact integers. The virtual
// clock makes them the same on every machine; a change in any of them is a change in behaviour, meant or not.
//
//   strategy × cap × the target's delay × its lanes × reclaim model
//     → commands, dry, kicks, stall, allocations, retransmits, commands a second of virtual time
//
// Each cell: 16 reads out at a time, 16 buffers preallocated, a target with 16 buffers, kick 100 ms, until
// COMMANDS have ended or LONGEST is over.

import { MS, US } from "../../words/quantity.ts";
import type { Scenario } from "./scenario.ts";
import type { Figures } from "./figures.ts";
import { simulate } from "./simulate.ts";
import { formatRows, type Row as TableRow, type Shape } from "./table_file.ts";

const COMMANDS = 400;
const LONGEST = 500 * MS;
const WINDOW = 16;

type Strategy = Scenario["initiators"][number]["pool"]["strategy"];

const UNCAPPED: readonly Strategy[] = ["fixed", "per-send", "uncapped"];
const CAPPED: readonly Strategy[] = ["scan-swap", "lifo-swap", "completion", "both"];
const CAPS = [0, 16, 48, 256];
const DELAYS = ["5us", "50us", "1ms"];
const LANES = [1, 8];
const RECLAIMS = [
  "eager",
  "coalesce:64/1ms",
  "delay:1ms",
  "next-xmit:100us",
  "on-receive:100us",
  "batch:32",
  "ring:64/32",
];

/** Columns of a row that name its cell, and those that hold its figures. */
const KEYS = ["strategy", "cap", "delay", "lanes", "reclaim"] as const;
const FIGURES = [
  "commands",
  "dry",
  "kicks",
  "stall_ns",
  "allocations",
  "retransmits",
  "commands_per_s",
] as const;

export type Row = TableRow<(typeof KEYS)[number] | (typeof FIGURES)[number]>;

interface Cell {
  readonly strategy: Strategy;
  readonly cap: number | null;
  readonly delay: string;
  readonly lanes: number;
  readonly reclaim: string;
}

function* cells(): Generator<Cell> {
  const pools = [
    ...UNCAPPED.map((strategy) => ({ strategy, cap: null })),
    ...CAPPED.flatMap((strategy) => CAPS.map((cap) => ({ strategy, cap }))),
  ];
  for (const reclaim of RECLAIMS) {
    for (const delay of DELAYS) {
      for (const lanes of LANES) for (const pool of pools) yield { ...pool, delay, lanes, reclaim };
    }
  }
}

function scenarioOf({ strategy, cap, delay, lanes, reclaim }: Cell): Scenario {
  return {
    seed: 1,
    mtu: 1500,
    latency: 5 * US,
    packetLife: 1000 * MS,
    targets: [
      {
        ports: 1,
        sectors: 16,
        bufferCount: WINDOW,
        service: `lanes:${lanes},delay:${delay}`,
        faults: "",
        reclaim: "eager",
        storePolls: 0,
      },
    ],
    initiators: [
      {
        links: 1,
        faults: "",
        reclaim,
        pool: { strategy, preallocated: WINDOW, cap: cap ?? 0, verify: 0 },
        kick: 100 * MS,
        timeout: 10_000 * MS,
        windowLaw: "slow-start",
        retransmitTag: "same",
        commands: COMMANDS,
        iodepth: WINDOW,
        span: 1,
        reads: 100,
        flushes: 0,
        cancels: 0,
        think: 0,
      },
    ],
    events: [],
    calmAt: LONGEST,
  };
}

/** Every cell, run now. Throws where a run breaks a rule of the simulator. */
export function goldenTable(): Row[] {
  return [...goldenRows()];
}

export function* goldenRows(): Generator<Row> {
  for (const cell of cells()) {
    let loaded: Figures | null = null;
    const { failure } = simulate(scenarioOf(cell), {
      loaded: (figures) => {
        loaded = figures;
      },
    });
    if (failure !== null || loaded === null) {
      const named = Object.entries(cell).map(([key, value]) => `${key} ${value}`);
      throw new Error(`${named.join(", ")}: ${failure?.message ?? "was not loaded"}`);
    }
    yield rowOf(cell, loaded);
  }
}

function rowOf(cell: Cell, figures: Figures): Row {
  return {
    strategy: cell.strategy,
    cap: cell.cap === null ? "-" : `${cell.cap}`,
    delay: cell.delay,
    lanes: `${cell.lanes}`,
    reclaim: cell.reclaim,
    commands: `${figures.commands}`,
    dry: `${figures.dry}`,
    kicks: `${figures.kicks}`,
    stall_ns: `${figures.kick_stall_ns}`,
    allocations: `${figures.allocations}`,
    retransmits: `${figures.retransmits}`,
    commands_per_s: `${Math.floor((figures.commands * 1e9) / figures.virtual_ns)}`,
  };
}

export const POOLS: Shape<(typeof KEYS)[number], (typeof FIGURES)[number]> = {
  keys: KEYS,
  figures: FIGURES,
  nameOf: ({ strategy, cap, delay, lanes, reclaim }) =>
    `${strategy}${cap === "-" ? "" : ` cap ${cap}`}, delay ${delay}, lanes ${lanes}, ${reclaim}`,
};

/** A line a cell, in columns. */
export function formatTable(rows: readonly Row[]): string {
  return formatRows(POOLS, rows);
}
