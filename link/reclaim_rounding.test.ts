// What a link says to be due is released then, whatever the clock's fractions.

import { expect, test } from "bun:test";

import { createMemoryPair } from "./memory.ts";
import { createReclaim } from "./reclaim.ts";
import { parseReclaim } from "./reclaim_model.ts";
import { createVirtualClock } from "./virtual_clock.ts";

test.each(["delay:5ms", "coalesce:8/5ms"])("%s releases at its deadline", (text) => {
  const clock = createVirtualClock();
  const [inner] = createMemoryPair({ clock });
  const link = createReclaim(inner, parseReclaim(text, "reclaim"), clock);
  const buffer = link.allocate(60);
  if (buffer === null) throw new Error("the link has memory");
  let at = 21_000_000.123456;
  for (let round = 0; round < 10_000; round++) {
    at += 17_321.987654321 * (1 + (round % 7));
    while (clock.now() < at) clock.wait(at);
    link.transmit(buffer, 60);
    const due = link.nextDeadline();
    while (clock.now() < due) clock.wait(due);
    expect(link.reclaim()).toBe(1);
    at = clock.now();
  }
});
