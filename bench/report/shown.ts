// Numbers as a person reads them in a report. The exact value stands beside each in the page (data-value).

import type { Axis, TableCell } from "./report.ts";
import { NOTHING, shownTime, shownCount, shownShare, shownBytes } from "../../words/shown.ts";

export function shown(value: number, unit: Axis["unit"]): string {
  if (unit === "time") return shownTime(value);
  if (unit === "share") return shownShare(value);
  return unit === "bytes" ? shownBytes(value) : shownCount(value);
}

export function figure(value: number | null, unit: Axis["unit"]): TableCell {
  return value === null || !Number.isFinite(value) ? NOTHING : { shown: shown(value, unit), value };
}
