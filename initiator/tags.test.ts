import { describe, expect, test } from "bun:test";

import { createRandom } from "../words/random.ts";
import { STALE, Tags, UNKNOWN } from "./tags.ts";

describe("P19", () => {
  test("P19: bit 31 always, bit 30 for writes, counting up from a random start", () => {
    const tags = new Tags(createRandom(1));
    const first = tags.take(0, false);
    const second = tags.take(1, true);
    expect(first >>> 30).toBe(0b10);
    expect(second >>> 30).toBe(0b11);
    expect((second & 0x3fff_ffff) - (first & 0x3fff_ffff)).toBe(1);
    const starts = new Set([1, 2, 3, 4].map((seed) => new Tags(createRandom(seed)).take(0, false)));
    expect(starts.size).toBe(4);
  });

  test("P19: a tag comes again only after the counter's 2^30", () => {
    const tags = new Tags(createRandom(2), 16);
    const seen = new Set<number>();
    for (let i = 0; i < 100_000; i++) {
      const tag = tags.take(0, false);
      expect(seen.has(tag)).toBe(false);
      seen.add(tag);
      tags.give(tag);
    }
  });
});

test("a tag is found while it is out, stale when given back, and others were never ours", () => {
  const tags = new Tags(createRandom(3));
  const tag = tags.take(5, true);
  expect(tags.find(tag)).toBe(5);
  expect(tags.find((tag ^ 0x4000_0000) >>> 0)).toBe(UNKNOWN);
  expect(tags.find((tag ^ 0x8000_0000) >>> 0)).toBe(UNKNOWN);
  expect(tags.find((tag + 1024) >>> 0)).toBe(UNKNOWN);
  tags.give(tag);
  expect(tags.find(tag)).toBe(STALE);
  expect(() => tags.give(tag)).toThrow("invariant");
});

test("an old command keeps its tag while thousands of others pass, and the table grows", () => {
  const random = createRandom(4);
  const tags = new Tags(random, 16);
  const out = new Map<number, number>();
  const first = tags.take(1000, false);
  for (let i = 0; i < 20_000; i++) {
    if (out.size < 300 && random.below(3) > 0) {
      const slot = random.below(1 << 20);
      out.set(tags.take(slot, random.below(2) === 1), slot);
    } else if (out.size > 0) {
      const [tag] = out.keys();
      tags.give(tag as number);
      out.delete(tag as number);
    }
    if (i % 500 === 0) for (const [tag, slot] of out) expect(tags.find(tag)).toBe(slot);
  }
  expect(tags.find(first)).toBe(1000);
  expect(tags.size).toBe(out.size + 1);
});

test("the counter comes round without touching the upper bits", () => {
  const stuck = { ...createRandom(5), next: () => 0x3fff_ffff };
  const tags = new Tags(stuck);
  const tag = tags.take(7, false);
  expect(tag).toBe(0x8000_0000);
  expect(tags.anonymous()).toBe(0x8000_0001);
});
