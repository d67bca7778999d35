// Each form is found again, with its parameters, in what it would have shown: frames of an idle
// line, at a steady rate and in bursts, released by the model itself and seen by a look each 5
// µs.

import { describe, expect, test } from "bun:test";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createRandom } from "../../words/random.ts";
import { MS, US } from "../../words/quantity.ts";
import { bestFit, errorOf, mostHeld } from "./fit.ts";
import type { Observed, Phase, Send } from "./observed.ts";
import { replay } from "./replay.ts";

const LOOK = 5 * US;

/** What would be seen of `model`, with noise. */
function seen(model: string, { answers = false } = {}): Observed {
  const sends: Send[] = [];
  const random = createRandom(7);
  let now = MS;
  const send = (phase: Phase, length: number, gap: number): void => {
    sends.push({ at: now, length, phase, heldAt: now, released: null });
    now += gap;
  };
  for (let index = 0; index < 10; index++) send("idle", 60, 20 * MS);
  for (let index = 0; index < 300; index++) send("steady", 60, MS);
  for (let burst = 0; burst < 8; burst++) {
    const length = burst % 2 === 0 ? 60 : 1060;
    for (let index = 0; index < 31; index++) send("burst", length, 4 * US);
    send("last", length, 60 * MS);
  }
  const receives = answers ? sends.map(({ at }) => at + 200 * US).sort((a, b) => a - b) : [];
  const bare = { sends, receives, until: now };
  const released = replay(parseReclaim(model, "x"), bare);
  return {
    ...bare,
    resolution: LOOK,
    sends: sends.map((one, index) => {
      const at = released[index] ?? Infinity;
      // Now and then the process that looks does not run.
      const late = random.float() < 0.005 ? 3 * MS : 0;
      const heldAt = Math.max(one.at, Math.floor(Math.min(at, now) / LOOK) * LOOK);
      return { ...one, heldAt, released: at > now ? null : Math.ceil((at + late) / LOOK) * LOOK };
    }),
  };
}

describe("a model is found again", () => {
  for (const [model, near] of [
    ["eager", /^eager$/],
    ["stuck", /^stuck$/],
    ["delay:1ms", /^delay:(99\d|100\d|101\d)/],
    ["next-xmit:0us", /^next-xmit:/],
    ["batch:16", /^batch:16$/],
    ["coalesce:16/5ms", /^coalesce:16\/(49[5-9]\d|50[0-4]\d)/],
    ["line:1000000/1600", /^line:(99\d{4}|100\d{4})\//],
    ["line:1000000/0", /^line:(99\d{4}|100\d{4})\//],
  ] as const) {
    test(model, () => {
      const found = bestFit(seen(model));
      expect(found.model).toMatch(near);
      expect(found.error_ns).toBeLessThan(40 * US);
    });
  }
  test("on-receive, where something is received", () => {
    expect(bestFit(seen("on-receive:0us", { answers: true })).model).toMatch(/^on-receive:/);
  });
});

test("another model is further off", () => {
  const observed = seen("delay:1ms");
  expect(errorOf("delay:1ms", observed)).toBeLessThan(errorOf("delay:1.2ms", observed));
  expect(errorOf("delay:1ms", observed)).toBeLessThan(errorOf("line:1000000/0", observed));
});

test("the most that is held at one time", () => {
  expect(mostHeld(seen("eager"))).toBeLessThan(4);
  expect(mostHeld(seen("batch:16"))).toBe(16);
});
