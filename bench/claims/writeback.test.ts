// Claim E5, exact: who stops for good when memory is short, and when the last page was written.

import { expect, test } from "bun:test";
import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import { writeBack } from "./writeback.ts";

test.each([...STRATEGIES])("%s with 64 pages, all dirty", (strategy) => {
  const relief = writeBack({ strategy, pages: 64, work: 500 });
  // These two have no buffer before the first write needs one, and then there is no memory for it.
  const stops = strategy === "per-send" || strategy === "lifo-swap";
  expect(relief.done).toBe(!stops);
  expect(relief.written).toBe(stops ? 0 : 500);
  if (stops) expect(relief.refused).toBeGreaterThan(100);
  // 16 at a time, 100 µs there and back.
  else expect(relief.lastAt).toBe(Math.ceil(500 / 16) * 100_000);
});

test("with memory left over, allocating for every transmit goes on as well", () => {
  const relief = writeBack({ strategy: "per-send", pages: 600, work: 500 });
  expect(relief).toMatchObject({ written: 500, done: true, refused: 0 });
});
