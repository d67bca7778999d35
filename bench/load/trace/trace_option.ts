// `--trace FILE` and `--trace-limit N`: from the options to a trace, and from there to a file's text.

import { usage } from "../../../words/failure.ts";
import { Trace } from "./trace.ts";
import { shortfall, traceDocument } from "./trace_file.ts";
import { TRACE_LIMIT } from "./trace_limit.ts";

export interface TraceOption {
  readonly trace: Trace;
  /** What the file is to hold. */
  text(about: Readonly<Record<string, unknown>>): string;
  /** One sentence where the trace is not whole, else null. */
  shortfall(): string | null;
}

/** null: no trace is wanted. */
export function traceOf(flags: {
  readonly trace: string | undefined;
  readonly traceLimit: number | undefined;
}): TraceOption | null {
  const { trace: path, traceLimit } = flags;
  if (path === undefined) {
    if (traceLimit !== undefined) throw usage("Expected `--trace` with `--trace-limit`, got none");
    return null;
  }
  const trace = new Trace(traceLimit ?? TRACE_LIMIT);
  return {
    trace,
    text: (about) => `${JSON.stringify(traceDocument(trace, about))}\n`,
    shortfall: () => shortfall(trace),
  };
}
