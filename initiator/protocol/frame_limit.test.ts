// Which losses of large frames say that large frames get lost.

import { expect, test } from "bun:test";

import { FrameLimit } from "./frame_limit.ts";

/** Fits 17 sectors, and one large frame was lost: from here on losses may count. */
function suspected(): FrameLimit {
  const limit = new FrameLimit();
  limit.fit(17);
  expect(limit.lost(0, -1, 10)).toBe(false);
  return limit;
}

test("a loss counts where something small was heard before that frame was sent and again since: the third decides", () => {
  const limit = suspected();
  expect(limit.lost(20, 25, 30)).toBe(false);
  // 25 was the proof that small frames pass; these were sent after it.
  expect([limit.lost(40, 45, 50), limit.lost(41, 46, 51), limit.lost(42, 47, 52)]).toEqual([
    false,
    false,
    true,
  ]);
});

test("none counts that was sent since something small was last heard: the target may be away", () => {
  const limit = suspected();
  expect(limit.lost(20, 15, 30)).toBe(false);
  for (let at = 40; at < 60; at++) expect(limit.lost(at, 25, at + 5)).toBe(false);
});

test("what is heard after a loss, and before the next frame is sent, counts for that loss", () => {
  const limit = suspected();
  // A path whose time-out is seconds long is asked for small frames at each loss, then sends again.
  const lost = [20, 30, 40, 50, 60].map((at) => limit.lost(at, at - 1, at + 5));
  expect(lost).toEqual([false, false, false, true, true]);
});

test("a silence counts once, however many frames it loses", () => {
  const limit = suspected();
  for (let at = 20; at < 60; at++) expect(limit.lost(at, 15, at + 5)).toBe(false);
  expect(limit.lost(80, 75, 90)).toBe(false);
});

test("none counts that was sent before small frames were proved to pass", () => {
  const limit = suspected();
  for (let at = 0; at < 20; at++) expect(limit.lost(at, 25, 30 + at)).toBe(false);
});
