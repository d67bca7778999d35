// Progress of trials on stderr: a line that rewrites itself on a terminal, else a line for each trial.
import type { Trial } from "../result/result.ts";
import type { RunEvents } from "./run.ts";
import { createStatusLine } from "../../words/status_line.ts";
import type { Cell } from "../job/resolved.ts";
import { rate } from "../../words/shown.ts";

export interface TrialLine {
  /** Trial `at` of `of`, from 0. */
  begin(at: number, of: number, name: string): void;
  /** Its rate, in `unit`, or why it failed, which stays. */
  end(iops: number | null, failure: string | null, unit?: string): void;
  say(sentence: string): void;
  clear(): void;
}

export function createTrialLine(): TrialLine {
  const line = createStatusLine();
  let trial = "";
  return {
    begin(at, of, name) {
      trial = `${String(at + 1).padStart(String(of).length)}/${of}  ${name}`;
      line.show(trial);
    },
    end(iops, failure, unit = "IOPS") {
      const outcome = failure ?? (iops === null ? "failed" : `${rate(iops)} ${unit}`);
      line.step(`${trial}: ${outcome}`, failure !== null);
    },
    say: line.keep,
    clear: line.clear,
  };
}

export interface Progress {
  readonly events: RunEvents;
  clear(): void;
}

export function createProgress(): Progress {
  const line = createTrialLine();
  const name = (cell: Cell, arm: string): string =>
    `${Object.values(cell.axes).join("  ") || cell.job}${arm === "run" ? "" : `  (${arm})`}`;
  const events: RunEvents = {
    warn: line.say,
    begin: (cell, at, of, arm) => line.begin(at, of, name(cell, arm)),
    end: (_cell, { figures, failure }: Trial) => line.end(figures?.iops ?? null, failure),
  };
  return { events, clear: line.clear };
}
