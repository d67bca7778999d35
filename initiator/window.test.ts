import { expect, test } from "bun:test";

import { Window } from "./window.ts";

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

test("loss: one frame, half of what it was as the threshold; slow start doubles up to there", () => {
  const window = new Window(16);
  for (let i = 0; i < 10_000; i++) window.answered(window.size, 0);
  // The sixteen of one window expire together: the first one counts.
  for (let i = 0; i < 16; i++) window.lost(16, 0);
  expect([window.size, window.threshold]).toEqual([1, 8]);
  const sizes: number[] = [];
  for (let i = 0; i < 7; i++) {
    window.answered(1, 0);
    sizes.push(window.size);
  }
  expect(sizes).toEqual([2, 3, 4, 5, 6, 7, 8]);
  window.answered(1, 0);
  expect(window.size).toBe(8);
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
