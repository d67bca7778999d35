// A claim of the 2007 message, what was found about it, and the figures that it was found from.

import type { Head } from "../machine/head.ts";
import type { RunResult } from "../result/result.ts";

export type ClaimVerdict = "holds" | "does not hold" | "inconclusive";

export interface Claim {
  readonly id: string;
  readonly claim: string;
  readonly verdict: ClaimVerdict;
  /** One sentence with the figures that decided. */
  readonly sentence: string;
  /** How anyone can measure it again. */
  readonly how: string;
  /** Every figure looked at: a row each, the columns named. */
  readonly figures: readonly Readonly<Record<string, string | number | null>>[];
}

export interface Reproduction extends Head<"aoe bench reproduce"> {
  readonly quick: boolean;
  readonly claims: readonly Claim[];
  /** The results that claims were judged from, by name of the job and link. */
  readonly runs: Readonly<Record<string, RunResult>>;
}

/**
 * `exact` from the virtual clock, `real` from raw sockets. `doubt`: why what raw sockets say is worth nothing, whichever
 * way it points; null: it is.
 */
export function verdictOf(exact: boolean, real: boolean, doubt: string | null): ClaimVerdict {
  if (doubt !== null) return "inconclusive";
  if (exact !== real) return real ? "inconclusive" : "does not hold";
  return exact ? "holds" : "does not hold";
}
