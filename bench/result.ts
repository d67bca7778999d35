// The result of `aoe bench run`, as written with --json: everything that the table and the sentences
// were made from, and what is needed to repeat the run. Units stand in the names of keys.

import type { KeyName } from "./job/keys.ts";
import type { Origin } from "./job/job.ts";
import type { Provenance } from "./provenance.ts";

/** Raised when a key changes its meaning or goes; a new key alone does not raise it. */
export const SCHEMA_VERSION = 1;

/** What tables and findings need of a trial; the whole is in `fio`. */
export interface Figures {
  /** Commands a second in the measured time. */
  readonly iops: number;
  readonly runtime_ns: number;
  readonly lat_p50_ns: number;
  readonly lat_p99_ns: number;
  readonly buffer_wait_mean_ns: number;
  readonly buffer_wait_p99_ns: number;
  /** Extra buffers: at the end, and the most there were. */
  readonly pool_length: number;
  readonly pool_length_peak: number;
  readonly pool_preallocated: number;
  readonly pool_cap: number | null;
  /** In the measured time: `acquire` found no buffer, kicks fired, time spent waiting for them. */
  readonly dry: number;
  readonly kicks: number;
  readonly kick_stall_ns: number;
  readonly retransmits: number;
  readonly failures: number;
  readonly mismatches: number;
  readonly receive_drops: number;
  readonly steady: boolean | null;
  readonly littles_law_holds: boolean;
}

export interface Trial {
  /** Place in the order in which trials ran, from 0. */
  readonly order: number;
  readonly exit_code: number;
  /** One sentence where the trial failed, else null. */
  readonly failure: string | null;
  readonly elapsed_ns: number;
  /** CPU time of the trial's processes, and of all others on the CPUs it ran on; null: not known. */
  readonly cpu_ns: number | null;
  readonly others_cpu_ns: number | null;
  readonly figures: Figures | null;
  /** fio's json+ document of the load; null where the trial failed. */
  readonly fio: Record<string, unknown> | null;
}

export interface CellResult {
  readonly job: string;
  readonly axes: Readonly<Partial<Record<KeyName, string>>>;
  readonly values: Readonly<Record<KeyName, string>>;
  readonly trials: readonly Trial[];
  /** The middle trial by throughput, of those that ended well; null where none did. */
  readonly median: Figures | null;
}

export interface RunResult {
  readonly schema_version: number;
  readonly kind: "aoe bench run";
  /** ISO 8601. */
  readonly started_at: string;
  readonly elapsed_ns: number;
  readonly job: {
    readonly file: string;
    readonly sections: Readonly<
      Record<
        string,
        Readonly<
          Record<KeyName, { origin: Origin; choices: readonly { label: string; text: string }[] }>
        >
      >
    >;
  };
  readonly seed: number;
  /** How the trials ran. */
  readonly link: "packet" | "memory";
  /** Why it was the memory link though the job left the choice; null otherwise. */
  readonly fallback: string | null;
  /** CPU numbers; null: not pinned. */
  readonly pinning: { readonly target: number | null; readonly load: number | null };
  readonly provenance: Provenance;
  readonly warnings: readonly string[];
  readonly cells: readonly CellResult[];
  readonly findings: readonly string[];
}

/** The middle trial by throughput, whose other figures belong together; for an even count the lower. */
export function medianTrial(trials: readonly Trial[]): Figures | null {
  const figures = trials.flatMap((trial) => (trial.figures === null ? [] : [trial.figures]));
  figures.sort((a, b) => a.iops - b.iops);
  return figures[Math.floor((figures.length - 1) / 2)] ?? null;
}
