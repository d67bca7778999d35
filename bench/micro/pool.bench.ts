// What a pool costs per command: one release and one acquire, with all counting on.
//
//   bun bench/micro/pool.bench.ts [STRATEGY]
//
// Four situations. `free`: the link holds nothing. `late`: each buffer is held until 48 more have gone
// out, so that every command needs another buffer than the last (per-send: a new one). `dry`: nothing
// available, which is what a waiting device repeats.
//
// Buffers come from an arena, as those of the packet link do, where an allocation is a pop. `heap`: a typed array
// for each, the other way to allocate for each transmit; of interest to per-send alone.

import { createArena } from "../../link/arena.ts";
import type { TxBuffer } from "../../link/link.ts";
import { createPool, STRATEGIES, type StrategyName } from "../../initiator/pool/buffer_pool.ts";
import { HandLink } from "../../link/hand.ts";
import type { Pool } from "../../initiator/pool/pool.ts";
import { costOf, figuresOf } from "./micro_case.ts";

/** Acquire + release at most this long, ns. */
const BAR = 30;

const WINDOW = 16;
const HELD = 48;
const BYTES = 1514;
/** A clock that has run for some hours: nanoseconds that do not fit an integer register. */
const CLOCK = 1e13;

export type Situation = "free" | "late" | "dry" | "heap";
export const SITUATIONS: readonly Situation[] = ["free", "late", "dry", "heap"];
/** What the arena may hand out at one time: more than any of these asks for. */
const BUDGET = 1 << 20;

/** One command through a pool of `strategy`: its buffer is released, and another acquired. */
export function cycle(strategy: StrategyName, situation: Situation): (() => void) | null {
  if (situation === "heap" && strategy !== "per-send") return null;
  const link = new HandLink(Infinity, situation === "heap" ? null : createArena(BUDGET));
  const pool = createPool({ strategy, link, frameBytes: BYTES, preallocated: WINDOW, cap: HELD });
  if (situation === "free" || situation === "heap") return free(pool);
  // These never run dry; that has no buffer beyond its window.
  if (situation === "dry" && (strategy === "per-send" || strategy === "uncapped")) return null;
  // Nor has this one: its commands end with the pins.
  if (situation === "late" && (strategy === "fixed" || strategy === "both")) return null;
  return situation === "late" ? late(link, pool) : dry(link, pool);
}

function free(pool: Pool): () => void {
  let now = CLOCK;
  let at = 0;
  const out = Array.from({ length: WINDOW }, () => owned(pool, now));
  return () => {
    now += 100;
    at = (at + 1) & (WINDOW - 1);
    pool.release(out[at] as TxBuffer, now);
    out[at] = owned(pool, now);
  };
}

function late(link: HandLink, pool: Pool): () => void {
  let now = CLOCK;
  let at = 0;
  const ring = new Array<TxBuffer | null>(HELD).fill(null);
  return () => {
    now += 100;
    at = at + 1 === HELD ? 0 : at + 1;
    const oldest = ring[at];
    if (oldest != null) {
      link.release(oldest.index);
      pool.reclaimed(link.reclaim(), now);
    }
    const buffer = owned(pool, now);
    link.transmit(buffer, 60);
    pool.release(buffer, now);
    ring[at] = buffer;
  };
}

function dry(link: HandLink, pool: Pool): () => void {
  let now = CLOCK;
  for (;;) {
    const out: TxBuffer[] = [];
    for (let i = 0; i < WINDOW; i++) {
      const buffer = pool.acquire(now);
      if (buffer === null) break;
      link.transmit(buffer, 60);
      out.push(buffer);
    }
    for (const buffer of out) pool.release(buffer, now);
    if (out.length < WINDOW) break;
  }
  return () => {
    now += 100;
    if (pool.acquire(now) !== null) throw new Error("invariant: the pool is dry");
  };
}

function owned(pool: Pool, now: number): TxBuffer {
  const buffer = pool.acquire(now);
  if (buffer === null) throw new Error("invariant: there is a buffer for each of the window");
  return buffer;
}

async function measureOne(strategy: StrategyName): Promise<void> {
  for (const situation of SITUATIONS) {
    const work = cycle(strategy, situation);
    if (work === null) continue;
    const cost = await costOf(work, 0.5);
    const bar = situation !== "free" ? "" : cost.median_ns <= BAR ? `  ≤ ${BAR}` : `  > ${BAR}`;
    console.log(`${strategy.padEnd(12)}${situation.padEnd(6)}${figuresOf(cost)}${bar}`);
  }
}

/** Each strategy in a process of its own, as it runs: a compiler that saw another's code makes slower code. */
function measureAll(): void {
  console.log(
    `${"strategy".padEnd(12)}${"link".padEnd(6)}${"median".padStart(8)}${"least".padStart(8)}  ns`,
  );
  for (const strategy of STRATEGIES) {
    const argv = [process.execPath, import.meta.path, strategy];
    Bun.spawnSync(argv, { stdout: "inherit", stderr: "inherit" });
  }
}

if (import.meta.main) {
  const chosen = STRATEGIES.find((strategy) => strategy === process.argv[2]);
  if (chosen === undefined) measureAll();
  else await measureOne(chosen);
}
