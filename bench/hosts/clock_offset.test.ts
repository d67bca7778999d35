import { expect, test } from "bun:test";
import { createRandom } from "../../words/random.ts";
import { estimateClock, joinEstimates, startOf } from "./clock_offset.ts";

test("the shortest round trip counts, and the bound is half of it", () => {
  const trips = [
    { sent: 100, at: 5_000, received: 900 },
    { sent: 1_000, at: 5_270, received: 1_080 },
  ];
  expect(estimateClock(trips)).toEqual({ offset_ns: 4_230, bound_ns: 40, rtt_ns: 80 });
  expect(estimateClock([])).toBeNull();
});

test("the truth is within the bound, whatever the queues do, one way throttled too", () => {
  const random = createRandom(7);
  for (let round = 0; round < 200; round++) {
    const truth = (random.float() - 0.5) * 2e12;
    const slow = round % 2 === 0 ? 0 : 6e6;
    const trips = Array.from({ length: 16 }, (_, at) => {
      const sent = at * 1e7;
      const there = sent + 2e4 + random.float() * 1e5;
      const received = there + 2e4 + random.float() * 1e5 + slow;
      return { sent, at: there + truth, received };
    });
    const estimate = estimateClock(trips);
    if (estimate === null) throw new Error("an estimate");
    expect(Math.abs(estimate.offset_ns - truth)).toBeLessThanOrEqual(estimate.bound_ns);
    if (slow > 0) expect(estimate.bound_ns).toBeGreaterThan(3e6);
  }
});

test("two measurements are one whose bound holds both: a clock that drifts", () => {
  const before = { offset_ns: 1_000, bound_ns: 50, rtt_ns: 100 };
  const after = { offset_ns: 1_500, bound_ns: 80, rtt_ns: 160 };
  expect(joinEstimates(before, after)).toEqual({ offset_ns: 1_265, bound_ns: 315, rtt_ns: 100 });
});

test("spread and overlap of measured times", () => {
  expect(startOf([])).toBeNull();
  expect(startOf([{ from: 5, to: 105 }])).toEqual({ spread_ns: 0, overlap: 1 });
  const late = [
    { from: 0, to: 100 },
    { from: 10, to: 110 },
  ];
  expect(startOf(late)).toEqual({ spread_ns: 10, overlap: 0.9 });
  const apart = [
    { from: 0, to: 100 },
    { from: 200, to: 300 },
  ];
  expect(startOf(apart)).toEqual({ spread_ns: 200, overlap: 0 });
});
