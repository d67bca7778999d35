// How long a pool stood still, whole loads under the virtual clock: what counts is the wait for a kick, within the
// measured time.

import { expect, test } from "bun:test";
import { figuresOf } from "./load_document.ts";
import { virtualLoad } from "../../testing/doubles/virtual_load.ts";

// The first kick of the measured time comes 70 ms after its begin; all that moves are a few commands at each.
test.each([90, 120, 250])("a pool that is always dry stands still for all of %d ms", async (ms) => {
  const texts = { pool: "fixed", kick: "100ms", reclaim: "coalesce:64/1ms", iodepth: "16" };
  const outcome = await virtualLoad(
    { ...texts, rampTime: "30ms", runtime: `${ms}ms` },
    { latency: 1e4 },
  );
  const stalled = figuresOf(outcome).kick_stall_ns;
  expect(stalled / (ms * 1e6)).toBeWithin(0.99, 1);
  const { stalls } = outcome.series.stallTable();
  expect(stalls.reduce((sum, [, duration]) => sum + duration, 0)).toBe(stalled);
  const [begin = 0, duration = 0] = stalls.at(-1) ?? [];
  expect(begin + duration).toBe(ms * 1e6);
});

test("what a release by the link wakes waits for no kick, also where the measured time ends meanwhile", async () => {
  // 16 buffers, all held for a millisecond from the 16th on: dry with nothing outstanding most of the time.
  const texts = { iodepth: "16", reclaim: "coalesce:64/1ms", poolCap: "0", rampTime: "0s" };
  for (const runtime of ["300us", "700us", "10500us"]) {
    const late = await virtualLoad({ ...texts, pool: "completion", runtime }, { latency: 1e4 });
    expect([runtime, figuresOf(late).dry > 0]).toEqual([runtime, true]);
    expect(figuresOf(late)).toMatchObject({ kicks: 0, kick_stall_ns: 0 });
    expect(late.series.stallTable().count).toBe(0);
    // The same pins cost a pool that waits for its kick all of that time.
    const fixed = await virtualLoad({ ...texts, pool: "fixed", runtime }, { latency: 1e4 });
    expect(figuresOf(fixed).kick_stall_ns).toBeGreaterThan(0);
  }
});
