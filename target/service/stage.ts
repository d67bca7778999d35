// One service model: a stage that every ATA command passes on its way to the store.
//
//   enter ─▶ time ≥ now   it leaves the stage then
//         ─▶ HELD         the stage keeps it and gives it back through `resume`
//         ─▶ DROPPED      it is never answered
//   leave                 the command is over: what the stage held for it is free

/** The stage keeps the command until it says `resume`. */
export const HELD = -1;
/** The command is taken and never answered. */
export const DROPPED = -2;

/** What a stage may see of a command, and what it may decide about it. */
export interface Job {
  /** The ATA command. */
  readonly opcode: number;
  readonly lba: number;
  /** Sectors moved; 0 for commands that move none. */
  readonly sectors: number;
  readonly write: boolean;
  /** Copies of the answer that are sent; 1 unless a stage says more. */
  copies: number;
  /** The sector that an answer with an ATA error names; `lba` unless a stage says another. */
  failedLba: number;
  /** The outcome that takes the place of the command's execution; UNDECIDED: it is executed. */
  decided: number;
  /** When a stage took hold of it, ns. */
  heldAt: number;
  /** Links jobs that a stage holds; the stage's own while it holds them. */
  next: Job | null;
}

export interface Stage {
  /** As given: `delay:normal/50us/5us`. */
  readonly text: string;
  enter(job: Job, now: number): number;
  leave(job: Job, now: number): void;
  /** Set by the runner of the stage: gives back a job that was HELD, to go on at `at` (ns). */
  resume: (job: Job, at: number) => void;
  /** Releases what it would hold forever; the number of jobs resumed. */
  release(now: number): number;
}

/** What most stages do not need. */
export const idle = {
  leave(): void {},
  resume(): void {},
  release: () => 0,
};
