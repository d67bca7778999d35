// What is asked of a figure, and what was found: a bar that is not met is a finding and no failure.

import * as v from "valibot";

export const BarSchema = v.object({
  what: v.string(),
  bar: v.string(),
  /** For a person; null: not measured. */
  found: v.nullable(v.string()),
  met: v.nullable(v.boolean()),
});
export type Bar = v.InferOutput<typeof BarSchema>;

export function barRows(bars: readonly Bar[]): Record<string, string>[] {
  return bars.map(({ what, bar, found, met }) => ({
    bar: what,
    asked: bar,
    found: found ?? "not measured",
    "": met === null ? "" : met ? "met" : "NOT MET",
  }));
}
