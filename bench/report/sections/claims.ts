// The claims E1 to E8 about the pool, and whether they hold here.

import type { Reproduction } from "../../claims/reproduction.ts";
import { type Section, sectionOf, type Table, type Verdict } from "../report.ts";
import { figure, tableOf } from "../figure.ts";
import { listed, plural } from "../../../words/shown.ts";

export function claims(reproductions: readonly Reproduction[]): Section {
  const section = sectionOf("claims", "Claims");
  const verdicts: Verdict[] = reproductions
    .flatMap((one) => one.claims)
    .map(({ figures, ...claim }) => ({ ...claim, table: figuresTable(figures) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (verdicts.length === 0) {
    return section(
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
  return section(`Of ${plural(verdicts.length, "claim")} ${parts.join("; ")}.`, {
    verdicts,
    table: tableOf(verdicts, [
      ["claim", (one) => one.id],
      ["verdict", (one) => one.verdict],
      ["what it says", (one) => one.claim],
      ["what was found", (one) => one.sentence],
      ["how", (one) => one.how],
    ]),
  });
}

function figuresTable(figures: Reproduction["claims"][number]["figures"]): Table | null {
  if (figures.length === 0) return null;
  const columns = [...new Set(figures.flatMap((row) => Object.keys(row)))];
  const rows = figures.map((row) =>
    columns.map((name) => {
      const value = row[name] ?? "–";
      if (typeof value === "string") return value;
      return figure(value, name.endsWith("_ns") ? "time" : "count");
    }),
  );
  // What has its unit in the shown value needs none in its name.
  return { columns: columns.map((name) => name.replace(/_ns$/, "").replaceAll("_", " ")), rows };
}
