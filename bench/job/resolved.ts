// A job once it is read: its cells, the value of each key and where it came from.

import type { Choice, KeyName, KeyTexts, KeyValues } from "./keys.ts";
import type { Host } from "./hosts.ts";
import type { Threshold } from "./threshold.ts";

export type Origin = "default" | "global" | "job" | "set";

export interface Resolved<Name extends KeyName = KeyName> {
  readonly origin: Origin;
  readonly choices: readonly Choice<Name>[];
}

export type ResolvedKeys = { readonly [Name in KeyName]: Resolved<Name> };

export interface ResolvedJob {
  readonly name: string;
  readonly values: ResolvedKeys;
  /** Of [global] and of the job. */
  readonly thresholds: readonly Threshold[];
}

export interface Job {
  readonly file: string;
  readonly jobs: readonly ResolvedJob[];
  /** Those that [hosts] has, used or not. */
  readonly hosts: readonly Host[];
  /** The values of those keys that are one in all jobs are every cell's; so are these, of the first. */
  readonly values: KeyValues;
}

/** One combination: the value of each key and its text, and the label of those keys that vary in the job. */
export interface Cell {
  readonly job: string;
  readonly values: KeyValues;
  readonly texts: KeyTexts;
  readonly axes: Readonly<Partial<Record<KeyName, string>>>;
  readonly thresholds: readonly Threshold[];
}
