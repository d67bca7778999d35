import { expect, test } from "bun:test";

import { Window, type WindowLaw } from "./window.ts";

test("slow start: half of the buffer count, then one more per answer with the window full", () => {
  const window = new Window(16);
  expect([window.size, window.threshold]).toEqual([8, 8]);
  // Congestion avoidance from the start, as in Linux (maxout = ssthresh = nframes / 2): the first step
  // takes nframes + 1 answers (next_cwnd is nframes), the next one a window of 9 and one.
  let answers = 0;
  while (window.size === 8) {
    window.answered(8, 0);
    answers++;
  }
  expect(answers).toBe(17);
  answers = 0;
  while (window.size === 9) {
    window.answered(9, 0);
    answers++;
  }
  expect(answers).toBe(10);
});

test("an answer while the window was not full opens nothing beyond the threshold", () => {
  const window = new Window(16);
  for (let i = 0; i < 1000; i++) window.answered(7, 0);
  expect(window.size).toBe(8);
});

test("it never exceeds the buffer count (P12)", () => {
  const window = new Window(16);
  for (let i = 0; i < 10_000; i++) window.answered(window.size, 0);
  expect(window.size).toBe(16);
});

for (const [law, least] of [
  ["slow-start", 1],
  ["steady", 4],
] as const) {
  test(`${law}, on a silent path: ${least}, half of what it was as the threshold; doubles up to there`, () => {
    const window = open(law);
    // The sixteen of one window expire together: the first one counts.
    for (let i = 0; i < 16; i++) window.lost(16, 0, false);
    expect([window.size, window.threshold]).toEqual([least, 8]);
    for (let size = least + 1; size <= 8; size++) {
      window.answered(1, 0);
      expect(window.size).toBe(size);
    }
    window.answered(1, 0);
    expect(window.size).toBe(8);
  });
}

/** As wide as it may be. */
function open(law: WindowLaw): Window {
  const window = new Window(16, law);
  for (let i = 0; i < 10_000; i++) window.answered(window.size, 0);
  expect(window.size).toBe(16);
  return window;
}

/** So many outcomes, of which `losses` of each `of` are losses that later frames have overtaken. */
function lossy(window: Window, outcomes: number, losses: number, of: number): void {
  for (let i = 0; i < outcomes; i++) {
    if (i % of < losses) window.lost(window.size, 0, true);
    else window.answered(window.size, 0);
  }
}

test("steady: a loss in ten that others overtake leaves it open, and lets it open; slow-start falls to one frame", () => {
  const steady = open("steady");
  lossy(steady, 1000, 1, 10);
  expect(steady.size).toBe(16);
  const fresh = new Window(16, "steady");
  lossy(fresh, 1000, 1, 10);
  expect(fresh.size).toBe(16);
  const linux = open("slow-start");
  lossy(linux, 1000, 1, 10);
  expect(linux.size).toBeLessThan(4);
});

test("steady: a fifth lost holds it, a half lost halves it round by round", () => {
  const window = new Window(16, "steady");
  lossy(window, 64, 1, 5);
  const { size } = window;
  lossy(window, 2000, 1, 5);
  expect(window.size).toBe(size);
  lossy(window, 2000, 1, 2);
  expect(window.size).toBeLessThan(8);
  lossy(window, 2000, 0, 1);
  expect(window.size).toBe(16);
});

test("steady: a quarter lost holds it too, and no more than that does", () => {
  const window = open("steady");
  lossy(window, 6400, 1, 4);
  expect(window.size).toBe(16);
  lossy(window, 6400, 17, 64);
  expect(window.size).toBeLessThan(16);
});

test("steady: answers that were late after all are no losses", () => {
  const window = open("steady");
  for (let i = 0; i < 1000; i++) {
    window.lost(16, 0, true);
    window.late();
    window.answered(16, 0);
  }
  expect(window.size).toBe(16);
});

test("a smaller buffer count starts afresh, a larger one only lifts the limit", () => {
  const window = new Window(64);
  window.resize(128);
  expect([window.size, window.limit]).toEqual([32, 128]);
  window.resize(8);
  expect([window.size, window.threshold, window.limit]).toEqual([1, 4, 8]);
});

test("stepwise: all at first, one less on loss with a full window, one more after ten seconds with one", () => {
  const window = new Window(16, "stepwise");
  expect(window.size).toBe(16);
  for (let inFlight = 16; inFlight > 0; inFlight--) window.lost(inFlight, 1e9);
  expect(window.size).toBe(15);
  window.lost(14, 1.5e9);
  expect(window.size).toBe(15);
  window.answered(15, 10.5e9);
  expect(window.size).toBe(15);
  window.answered(15, 11.1e9);
  expect(window.size).toBe(16);
  window.answered(16, 30e9);
  expect(window.size).toBe(16);
  for (let second = 31; second < 60; second++) window.lost(16, second * 1e9);
  expect(window.size).toBe(1);
});
