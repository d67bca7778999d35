// The text of a trace file that a service model or a fault plan names.

import { environment } from "../../words/failure.ts";
import { readText } from "./read_text.ts";

export function loadTrace(path: string): string {
  try {
    return readText(path);
  } catch (error) {
    throw environment(`Can't read the trace ${path}: ${(error as Error).message}`);
  }
}
