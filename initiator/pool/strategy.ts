// What differs between the pools of this folder: which buffer a command gets. The accounting around it
// (ledger.ts) and the figures (metrics.ts) are the same for all, so that a comparison compares this alone.

import type { TxBuffer } from "../../link/link.ts";

export interface Strategy {
  readonly name: string;
  readonly redrivenByReclaim: boolean;
  /** Commands that can be outstanding at once. */
  readonly frames: number;
  /** A buffer that is nobody's and has no pins; null: none. Called only with fewer than `frames` out. */
  take(now: number): TxBuffer | null;
  /** The command that had `buffer` has ended; `idle`: it has no pins. */
  give(buffer: TxBuffer, idle: boolean, now: number): void;
  /** The link released the buffer in `slot`, which no command owns; null: not told. */
  readonly idled: ((slot: number, now: number) => void) | null;
  /** When `rest` has something to do, ns. */
  nextDeadline(): number;
  rest(now: number): void;
}
