// The text of a trace file that a service model or a fault plan names.

import { readText } from "../../sys/read_text.ts";

export function loadTrace(path: string): string {
  return readText(path, "the trace");
}
