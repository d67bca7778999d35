// What `aoe bench pins` prints.

import { expect, test } from "bun:test";
import type { PinsLink, PinsResult } from "./pins_result.ts";
import { showPins } from "./pins_show.ts";

const SOME: PinsLink = {
  link: "ring",
  tx_usecs: 50,
  tx_frames: null,
  frames: 10,
  skipped: 1,
  received: 0,
  resolution_ns: 4000,
  gap_ns: 5000,
  most_held: 32,
  together: 1,
  spreads: [
    {
      phase: "burst",
      frames: 10,
      released: 9,
      p50_ns: 1e6,
      p90_ns: 2e6,
      p99_ns: 3e6,
      max_ns: 4e6,
      histogram: [
        [1e6, 8],
        [4e6, 1],
      ],
    },
  ],
  fit: {
    model: "line:1000000/1600",
    error_ns: 1000,
    error_share: 0.01,
    mean_hold_ns: 1e5,
    depends_on: "what was sent before",
    candidates: [],
  },
  needs: {
    frame_bytes: 1060,
    scan_swap: {
      found: { buffers: 31, headroom: 15, dry: 0 },
      predicted: { buffers: 32, headroom: 16, dry: 0 },
    },
    fixed: {
      found: { buffers: 31, headroom: 15, dry: 0 },
      predicted: { buffers: 32, headroom: 16, dry: 0 },
    },
    by_formula: 32,
    hold_ns: 33e6,
  },
};

const result = {
  interface: "eth1",
  setting: { rate: 500, iodepth: 16, burst: 32 },
  links: [SOME],
} as unknown as PinsResult;

test("no line is longer than the terminal is wide", () => {
  for (const width of [60, 80, 200]) {
    const lines = showPins(result, width).split("\n");
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
  }
});

test("what was found, predicted and reckoned stand beside each other", () => {
  const text = showPins(result);
  expect(text).toContain("ring on eth1 with tx-usecs 50");
  expect(text).toContain(
    "beyond those of 16 commands, 15 buffers (the model predicts 16, the formula 16)",
  );
  expect(text).toContain("9/10");
});
