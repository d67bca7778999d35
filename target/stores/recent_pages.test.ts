// What is remembered of the page cache: by page, by file, and not for long.

import { expect, test } from "bun:test";

import { allocationsPerCall } from "../../testing/doubles/allocations.ts";
import { PAGE, RecentPages } from "./recent_pages.ts";

test("a range is known once each of its pages was noted, for the file that it was noted of", () => {
  const pages = new RecentPages(() => 0);
  expect(pages.has(0, 0, 512)).toBe(false);
  pages.note(0, PAGE + 512, 512);
  expect(pages.has(0, PAGE, PAGE)).toBe(true);
  expect(pages.has(0, 2 * PAGE - 512, 1024)).toBe(false);
  expect(pages.has(0, PAGE - 512, 1024)).toBe(false);
  expect(pages.has(1, PAGE, 512)).toBe(false);
  pages.note(0, 0, 3 * PAGE);
  expect(pages.has(0, 100, 3 * PAGE - 100)).toBe(true);
  expect(pages.has(0, 100, 3 * PAGE)).toBe(false);
});

test("what is used stays known; what is not is forgotten", () => {
  let second = 100;
  const pages = new RecentPages(() => second);
  pages.note(3, 0, 2 * PAGE);
  for (; second < 120; second += 4) expect(pages.has(3, 0, PAGE)).toBe(true);
  expect(pages.has(3, PAGE, PAGE)).toBe(false);
  second += 5;
  expect(pages.has(3, 0, PAGE)).toBe(false);
});

test("who tells the time is believed, and the clock is not asked", () => {
  const pages = new RecentPages(() => {
    throw new Error("asked");
  });
  pages.tell(7.9e9);
  pages.note(0, 0, 512);
  pages.tell(11.9e9);
  expect(pages.has(0, 0, 512)).toBe(true);
  pages.tell(16e9);
  expect(pages.has(0, 0, 512)).toBe(false);
});

test("a page far behind pushes out its place's holder, and is never taken for it", () => {
  const pages = new RecentPages(() => 0);
  const far = 65_536 * PAGE;
  pages.note(0, 0, 512);
  expect(pages.has(0, far, 512)).toBe(false);
  pages.note(0, far, 512);
  expect(pages.has(0, far, 512)).toBe(true);
  expect(pages.has(0, 0, 512)).toBe(false);
  // Beyond 16 TiB pages are another file's numbers: they are not remembered.
  pages.note(0, 2 ** 44, 512);
  expect([pages.has(0, 2 ** 44, 512), pages.has(1, 0, 512)]).toEqual([false, false]);
});

test("neither asking nor noting leaves an object", () => {
  const pages = new RecentPages();
  const work = (call: number): void => {
    pages.note(0, (call % 1000) * 512, 8192);
    pages.has(0, (call % 1000) * 512, 8192);
  };
  expect(allocationsPerCall(work)).toBeLessThan(0.02);
});
