import { expect, test } from "bun:test";
import { MS } from "../words/quantity.ts";
import { lastMove, NEVER_HELD, parseLatePlan } from "./late_plan.ts";

test("moves in their order, a drop among them, and a pulse", () => {
  const plan = parseLatePlan("hold:0s, release:1.5ms,hold:2ms,drop:2ms", "late");
  expect(plan.pulse).toBeNull();
  expect(plan.moves).toEqual([
    { what: "hold", at: 0 },
    { what: "release", at: 1.5 * MS },
    { what: "hold", at: 2 * MS },
    { what: "drop", at: 2 * MS },
  ]);
  expect(lastMove(plan)).toBe(2 * MS);
  const pulse = parseLatePlan("pulse:5ms/20ms", "late");
  expect(pulse).toMatchObject({ moves: [], pulse: { pause: 5 * MS, period: 20 * MS } });
  expect([lastMove(pulse), parseLatePlan(NEVER_HELD, "late").moves.length]).toEqual([0, 1]);
});

const FORMS =
  "Expected `late` to be hold:AT, release:AT and drop:AT in a list, or pulse:PAUSE/PERIOD";
const PAUSE = "Expected `late` to be a pause of at least 1ms that is shorter than its period";

test.each([
  ["", `${FORMS}, got \`\``],
  ["hold", `${FORMS}, got \`hold\``],
  ["hold:1ms,keep:2ms", `${FORMS}, got \`keep:2ms\``],
  ["hold:1ms,pulse:5ms/20ms", `${FORMS}, got \`pulse:5ms/20ms\``],
  ["hold:5", "Expected `late, AT of hold` to be a duration, a number with a unit (ns"],
  [
    "hold:2ms,release:1ms",
    "Expected `late` to be moves in the order of their times, got `hold:2ms",
  ],
  [
    "pulse:5ms",
    "Expected `late` to be pulse:PAUSE/PERIOD, two durations (pulse:5ms/20ms), got `pul",
  ],
  ["pulse:1ms/2ms/3ms", "Expected `late` to be pulse:PAUSE/PERIOD, two durations"],
  ["pulse:/5ms", "Expected `late, PAUSE of pulse` to be a duration"],
  ["pulse:5ms/5", "Expected `late, PERIOD of pulse` to be a duration"],
  ["pulse:20ms/20ms", `${PAUSE}, got \`pulse:20ms/20ms\``],
  ["pulse:0.5ms/20ms", `${PAUSE}, got \`pulse:0.5ms/20ms\``],
])("%j is refused with one sentence", (text, sentence) => {
  expect(() => parseLatePlan(text, "late")).toThrow(sentence);
});
