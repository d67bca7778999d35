import { describe, expect, test } from "bun:test";

import { createRandom } from "../../words/random.ts";
import { STALE, Tags, UNKNOWN } from "./tags.ts";

describe("P19", () => {
  test("P19: bit 31 always, bit 30 for writes, and the rest another one for each seed", () => {
    const tags = new Tags(createRandom(1));
    const first = tags.take(0, false);
    const second = tags.take(1, true);
    expect(first >>> 30).toBe(0b10);
    expect(second >>> 30).toBe(0b11);
    const starts = new Set([1, 2, 3, 4].map((seed) => new Tags(createRandom(seed)).take(0, false)));
    expect(starts.size).toBe(4);
  });

  test("P19: neither the tags before nor those that everybody hears tell the next one", () => {
    const tags = new Tags(createRandom(7));
    const steps = new Set<number>();
    const beside = new Set<number>();
    let before = tags.take(0, false);
    for (let i = 0; i < 2000; i++) {
      const heard = tags.anonymous();
      const tag = tags.take(0, false);
      steps.add((tag - before) >>> 0);
      beside.add((tag - heard) >>> 0);
      tags.give(tag);
      before = tag;
    }
    expect(Math.min(steps.size, beside.size)).toBeGreaterThan(1900);
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

test("questions that everybody hears take nothing from the secret tags", () => {
  const [silent, asking] = [new Tags(createRandom(9)), new Tags(createRandom(9))];
  for (let slot = 0; slot < 100; slot++) {
    asking.anonymous();
    expect(asking.take(slot, false)).toBe(silent.take(slot, false));
  }
});

test("each of so many bits is a coin's: what nobody sees can't be guessed better than by chance", () => {
  const tags = new Tags(createRandom(8));
  const ones = Array.from({ length: 30 }, () => 0);
  for (let i = 0; i < 10_000; i++) {
    const tag = tags.take(0, false);
    for (const bit of ones.keys()) ones[bit] = (ones[bit] as number) + ((tag >>> bit) & 1);
    tags.give(tag);
  }
  for (const count of ones) expect(Math.abs(count - 5000)).toBeLessThan(300);
});

test("a question that everybody hears has no tag that is out", () => {
  const constant = { ...createRandom(5), next: () => 1 };
  const tags = new Tags(constant);
  const out = Array.from({ length: 100 }, (_, slot) => tags.take(slot, false));
  const heard = Array.from({ length: 100 }, () => tags.anonymous());
  expect(heard.filter((tag) => out.includes(tag))).toEqual([]);
  expect(heard.every((tag) => tag >>> 31 === 1)).toBe(true);
});
