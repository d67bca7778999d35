// One rule, P1 to P34, as the suite tries it; or a part of one, which the report joins with the rest.

import type { Subject } from "./subject.ts";

export interface Rule {
  /** P1 … P34. */
  readonly id: string;
  /** In a few words, for the table; the first part's counts. */
  readonly title: string;
  /** Tried after all others, in this order: what targets have been seen to die of, or to be changed by for good. */
  readonly last?: number;
  /** Asks, and notes what differs; a string: why nothing can be asked of a target. */
  readonly test: ((subject: Subject) => void) | string;
}
