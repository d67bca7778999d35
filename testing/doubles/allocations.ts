// Counts the objects that a piece of code leaves on the heap, for tests of "allocates nothing per frame".
//
// heapSize and objectCount see only what survives a collection and stay at 0 however much is thrown away.
// The sum of JavaScriptCore's objectTypeCounts walks all cells, dead ones too, until a collection
// sweeps them. So: collect, count, run one short block, count again; a block must stay well under the
// 8 MiB or so of garbage that provoke a collection. What counting itself and the loop cost is measured with
// an empty block and subtracted. The least of several blocks counts: a compiler thread that finishes
// in one of them leaves objects too, but allocations of the code's own are in all of them.
//
// Every measurement first measures code that allocates one object per call, and throws when that is
// not seen: a counter that has gone blind must not pass a test.

import { heapStats } from "bun:jsc";

export interface AllocationOptions {
  /** Calls per block; 2000. Less where one call may leave more than 4 KiB. */
  readonly calls?: number;
  /** Blocks that are measured; 5. */
  readonly blocks?: number;
  /** Calls before the first block, so that all is compiled; 20,000. */
  readonly warmUp?: number;
}

/** Objects that one call of `work` leaves on the heap, on average; some 0.005 of it may be noise. `work` gets a running number. */
export function allocationsPerCall(
  work: (call: number) => void,
  options: AllocationOptions = {},
): number {
  const { calls = 2000, blocks = 5, warmUp = 20_000 } = options;
  const seen = least(allocating, calls, blocks, warmUp);
  if (Math.abs(seen - 1) > 0.05) {
    throw new Error(`allocations can't be counted here: one object per call was seen as ${seen}`);
  }
  return least(work, calls, blocks, warmUp);
}

function least(
  work: (call: number) => void,
  calls: number,
  blocks: number,
  warmUp: number,
): number {
  for (let call = 0; call < warmUp; call++) work(call);
  let fewest = Number.POSITIVE_INFINITY;
  for (let block = 0; block < blocks; block++) {
    const spent = left(work, calls) - left(nothing, calls);
    fewest = Math.min(fewest, spent);
  }
  return Math.max(0, fewest) / calls;
}

/** Cells that `calls` calls of `work` and the counting of them leave. */
function left(work: (call: number) => void, calls: number): number {
  Bun.gc(true);
  const before = cells();
  for (let call = 0; call < calls; call++) work(call);
  return cells() - before;
}

function cells(): number {
  let sum = 0;
  for (const count of Object.values(heapStats().objectTypeCounts)) sum += count;
  return sum;
}

function nothing(): void {}

/** Reached from outside, so that no compiler can prove the object useless. */
export const kept: { last: object | null } = { last: null };

function allocating(call: number): void {
  kept.last = { call };
}
