// What the control socket and the metrics see of a running target, and what they may do to it.

import type { Address } from "../../words/address.ts";
import type { ExportPlan } from "../config/plan.ts";
import type { Failure } from "../../words/failure.ts";
import type { Resized } from "../exports/exports.ts";
import type { Applied } from "../exports/reload.ts";
import type { Target } from "../protocol/target.ts";

export interface Running {
  readonly target: Target;
  /** ns. */
  readonly startedAt: number;
  now(): number;
  /** How file operations that would block are done. */
  fileIo(): unknown;
  missingInterfaces(): string[];
  // Each throws a Failure where it can't be done.
  setService(address: Address, model: string): void;
  addExport(plan: ExportPlan): void;
  /** `gone` once what was in hand is answered. */
  removeExport(address: Address, gone: () => void): void;
  resizeExport(address: Address): Resized;
  /** `done` with a Failure: nothing was changed. */
  reload(done: (ended: Applied | Failure) => void): void;
  quit(): void;
}
