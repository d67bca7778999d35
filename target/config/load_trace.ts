// The text of a trace file that a service model or a fault plan names.

import { readFileSync } from "node:fs";

import { environment } from "../../words/failure.ts";

export function loadTrace(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw environment(`Can't read the trace ${path}: ${(error as Error).message}`);
  }
}
