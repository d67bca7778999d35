// A job once it is read: its cells, the value of each key and where it came from.

import type { Choice, KeyName } from "./keys.ts";

export type Origin = "default" | "global" | "job" | "set";

export interface Resolved {
  readonly origin: Origin;
  readonly choices: readonly Choice[];
}

export interface ResolvedJob {
  readonly name: string;
  readonly values: Readonly<Record<KeyName, Resolved>>;
  /** Of [global] and of the job. */
  readonly thresholds: readonly string[];
}

export interface Job {
  readonly file: string;
  readonly jobs: readonly ResolvedJob[];
}

/** One combination: a text for each key, and the label of those keys that vary in the job. */
export interface Cell {
  readonly job: string;
  readonly values: Readonly<Record<KeyName, string>>;
  readonly axes: Readonly<Partial<Record<KeyName, string>>>;
  readonly thresholds: readonly string[];
}
