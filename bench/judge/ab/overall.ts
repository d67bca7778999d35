// What several judges come to: worse where any says so, else better where any does. The same is only what all that
// ran call so: one that could not decide has not found them equal.

import type { Verdict } from "../verdict.ts";
import type { ExactVerdict } from "./exact.ts";
import { listed } from "../../../words/shown.ts";

/** By judge. */
export type Said = Readonly<Record<string, Verdict>>;

const ORDER: readonly Verdict[] = ["worse", "better", "same", "inconclusive"];

export function overall(said: Said): Verdict {
  const verdicts = Object.values(said);
  for (const verdict of ["worse", "better"] as const) {
    if (verdicts.includes(verdict)) return verdict;
  }
  return verdicts.length > 0 && verdicts.every((verdict) => verdict === "same")
    ? "same"
    : "inconclusive";
}

/** `INCONCLUSIVE: same by exact; not decided by cost and micro.` */
export function headline(said: Said): string {
  const parts = ORDER.flatMap((verdict) => {
    const judges = Object.keys(said).filter((judge) => said[judge] === verdict);
    const word = verdict === "inconclusive" ? "not decided" : verdict;
    return judges.length === 0 ? [] : [`${word} by ${listed(judges)}`];
  });
  const verdict = overall(said).toUpperCase();
  return parts.length === 0 ? `${verdict}: no judge ran.` : `${verdict}: ${parts.join("; ")}.`;
}

/** null: it had nothing to judge. */
export function verdictOfExact(verdict: ExactVerdict): Verdict | null {
  if (verdict === "absent") return null;
  if (verdict === "broken") return "worse";
  return verdict === "changed" ? "inconclusive" : verdict;
}
