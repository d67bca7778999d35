import { expect, test } from "bun:test";
import { headline, overall, type Said, verdictOfExact } from "./overall.ts";

test.each([
  [{ exact: "same" }, "same", "SAME: same by exact."],
  [{ exact: "same", cost: "same" }, "same", "SAME: same by exact and cost."],
  // 106.2 % of the cost, whose interval reaches into the band, is not the same for an exact table beside it.
  [
    { exact: "same", micro: "inconclusive", cost: "inconclusive" },
    "inconclusive",
    "INCONCLUSIVE: same by exact; not decided by micro and cost.",
  ],
  [{ exact: "same", cost: "worse" }, "worse", "WORSE: worse by cost; same by exact."],
  [
    { exact: "better", cost: "worse", sockets: "same" },
    "worse",
    "WORSE: worse by cost; better by exact; same by sockets.",
  ],
  [{ exact: "same", cost: "better" }, "better", "BETTER: better by cost; same by exact."],
  [{}, "inconclusive", "INCONCLUSIVE: no judge ran."],
] as [Said, string, string][])("%j: %s", (said, verdict, words) => {
  expect([overall(said), headline(said)]).toEqual([verdict as never, words]);
});

test("of the exact judge a broken invariant is worse, mixed costs undecided", () => {
  const verdicts = (["broken", "changed", "absent", "same", "worse"] as const).map(verdictOfExact);
  expect(verdicts).toEqual(["worse", "inconclusive", null, "same", "worse"]);
});
