// The claims E1 to E8 about the pool, and whether they hold here.

import type { Reproduction } from "../reproduction.ts";
import { type Section, section, type Verdict } from "../report.ts";
import { listed, plural } from "../shown.ts";

export function claims(reproductions: readonly Reproduction[]): Section {
  const id = "claims";
  const topic = "Claims";
  const verdicts: Verdict[] = reproductions.flatMap((one) => one.claims);
  if (verdicts.length === 0) {
    return section(
      id,
      topic,
      "No claim was tried: `aoe bench reproduce --json` makes a file that says which hold.",
    );
  }
  const of = (verdict: Verdict["verdict"]): string[] =>
    verdicts.filter((one) => one.verdict === verdict).map((one) => one.id);
  const parts = (
    [
      ["holds", "hold", of("holds")],
      ["does not hold", "do not hold", of("does not hold")],
      ["is inconclusive", "are inconclusive", of("inconclusive")],
    ] as const
  ).flatMap(([one, more, ids]) =>
    ids.length === 0 ? [] : [`${listed(ids)} ${ids.length === 1 ? one : more}`],
  );
  return section(id, topic, `Of ${plural(verdicts.length, "claim")} ${parts.join("; ")}.`, {
    verdicts,
    table: {
      columns: ["claim", "verdict", "what it says", "what was found"],
      rows: verdicts.map(({ id: name, verdict, claim, sentence }) => [
        name,
        verdict,
        claim,
        sentence,
      ]),
    },
  });
}
