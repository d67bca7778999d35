// Mutations: small, anywhere, of every kind; and shrinking, which keeps what is wrong.

import { describe, expect, test } from "bun:test";

import { createRandom } from "../../words/random.ts";
import { fuzz, inputOf } from "./fuzz.ts";
import { mutateBytes } from "./mutate.ts";
import { shrink } from "./shrink.ts";
import type { Surface } from "./surface.ts";

const whole = Uint8Array.from({ length: 400 }, (_, at) => at & 0xff);

function mutated(cases: number): Uint8Array[] {
  const random = createRandom(11);
  return Array.from({ length: cases }, () => mutateBytes(whole, random, 1));
}

/** The first byte that is another, or is not there. */
function firstChange(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length && bytes[at] === whole[at]) at++;
  return at;
}

describe("one change of 400 bytes", () => {
  const all = mutated(4000).filter((bytes) => Buffer.compare(bytes, whole) !== 0);

  test("falls into the headers in half of the cases, and else anywhere", () => {
    const places = all.map(firstChange);
    const early = places.filter((at) => at < 64).length / places.length;
    expect(early).toBeWithin(0.45, 0.7);
    for (const from of [64, 150, 250, 350]) {
      expect(places.some((at) => at >= from && at < from + 50)).toBe(true);
    }
  });

  test("sets or flips a byte, cuts the end off, doubles or removes up to 16 bytes", () => {
    const same = all.filter(({ length }) => length === 400);
    expect(same.length).toBeGreaterThan(all.length / 3);
    const longer = all.filter(({ length }) => length > 400);
    expect(Math.max(...longer.map(({ length }) => length))).toBe(416);
    // What was cut begins as the whole does, whatever its length.
    const cut = all.filter((bytes) => bytes.length < 384);
    expect(cut.length).toBeGreaterThan(50);
    expect(cut.every((bytes) => firstChange(bytes) === bytes.length)).toBe(true);
    const removed = all.filter(({ length }) => length >= 384 && length < 400);
    expect(removed.some((bytes) => bytes.at(-1) === whole.at(-1))).toBe(true);
  });
});

/** Breaks one way where there is an `x`, and in another where there are fewer than ten characters. */
const twice: Surface = {
  name: "twice",
  about: "",
  make: (random) => `${"abc\n".repeat(random.below(20))}x`,
  run(input) {
    if (input.includes("x")) throw new Error("an x");
    if (input.length < 10) throw new Error("too few");
    return "fine";
  },
};

test("shrinking keeps the failure that it began with", () => {
  expect(shrink(twice, `${"abc\n".repeat(9)}axb`)).toBe("x");
  const few: Surface = { ...twice, run: (input) => (input.length < 4 ? twice.run(input) : "fine") };
  const both: Surface = {
    ...twice,
    run(input) {
      if (input.length === 12) throw new Error("as it was");
      return few.run(input);
    },
  };
  expect(shrink(both, "abcdefghijkl")).toBe("abcdefghijkl");
});

test("cases go on from where they are told to", async () => {
  const seen: string[] = [];
  const surface: Surface = {
    ...twice,
    make: (random) => String(random.next()),
    run(input) {
      seen.push(input);
      return "fine";
    },
  };
  await fuzz([surface], 3, (_, cases) => cases >= 2, 5);
  expect(seen).toEqual([inputOf(surface, 3, 5), inputOf(surface, 3, 6)]);
});
