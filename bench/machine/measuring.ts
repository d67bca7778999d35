// A command that measures, from its begin to the head of its result: when, by whom, and whether a signal ended it. The
// trial in hand is lost then, and all that was finished is kept and shown.

import { catchInterrupt } from "../../initiator/commands/interrupted.ts";
import { now, wallMilliseconds } from "../../sys/clock.ts";
import { codeOf, untilCut } from "./cut_short.ts";
import type { Head } from "./head.ts";
import { provenance } from "./provenance.ts";
import { SCHEMA_VERSION } from "./schema.ts";

export interface Measuring {
  readonly signal: AbortSignal;
  /** Awaits `work`, to its end or until the signal comes. */
  untilCut(work: () => Promise<void>): Promise<void>;
  head<Kind extends string>(kind: Kind): Head<Kind>;
  /** The signal's exit code where it ended the work, else `code`. */
  exitCode(code: number): number;
  /** Signals end the process again as they do. */
  release(): void;
}

export function beginMeasuring(): Measuring {
  const startedAt = now();
  const started_at = new Date(wallMilliseconds()).toISOString();
  // Before any trial: a file that is written meanwhile would make the tree look dirty.
  const from = provenance();
  const interrupt = catchInterrupt();
  const { signal } = interrupt;
  let cut = false;
  return {
    signal,
    async untilCut(work) {
      cut = await untilCut(signal, work);
    },
    head: (kind) => ({
      schema_version: SCHEMA_VERSION,
      kind,
      started_at,
      elapsed_ns: now() - startedAt,
      cut_short: cut,
      provenance: { ...from, cpus_allowed: [...from.cpus_allowed] },
    }),
    exitCode: (code) => (cut ? codeOf(signal) : code),
    release: interrupt.release,
  };
}
