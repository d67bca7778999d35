// Whether one sample stands below another so clearly that a sentence may say it: the check that a finding must pass.
// No median decides alone; each trial has a say, and any of them can refute the claim.
//
//   below     every value of a is under every value of b, by more than the band
//   beside    every value of a is within the band of every value of b
//   unclear   anything else: then nothing is said but what was measured

/** Trials of a second on a shared machine come no closer than this. */
export const WIDE = 0.25;

export type Standing = "below" | "above" | "beside" | "unclear";

/** Of `a` to `b`; both with at least one value, none below 0. `band`: a share. */
export function standing(
  a: readonly number[],
  b: readonly number[],
  band: number = WIDE,
): Standing {
  const [leastA, mostA, leastB, mostB] = [
    Math.min(...a),
    Math.max(...a),
    Math.min(...b),
    Math.max(...b),
  ];
  const keep = 1 - band;
  if (mostA < keep * leastB) return "below";
  if (mostB < keep * leastA) return "above";
  if (leastA >= keep * mostB && leastB >= keep * mostA && mostB > 0) return "beside";
  return "unclear";
}
