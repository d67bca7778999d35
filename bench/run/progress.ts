// Progress of trials on stderr: a line that rewrites itself on a terminal, else a line for each trial.
import type { Trial } from "../result/result.ts";
import type { RunEvents } from "./run.ts";
import { createStatusLine } from "../../words/status_line.ts";
import type { Cell } from "../job/resolved.ts";
import { now } from "../../sys/clock.ts";
import { rate, shownTime } from "../../words/shown.ts";

export interface TrialLine {
  /** Trial `at` of `of`, from 0. */
  begin(at: number, of: number, name: string): void;
  /** Its rate, in `unit`, or why it failed, which stays. */
  end(iops: number | null, failure: string | null, unit?: string, more?: string): void;
  say(sentence: string): void;
  clear(): void;
}

export function createTrialLine(): TrialLine {
  const line = createStatusLine();
  let [trial, before, startedAt] = ["", "", 0];
  return {
    begin(at, of, name) {
      trial = `${String(at + 1).padStart(String(of).length)}/${of}  ${name}`;
      if (startedAt === 0) startedAt = now();
      line.show(`${trial}${timeLeft(at, of, now() - startedAt)}${before}`);
    },
    end(iops, failure, unit = "IOPS", more = "") {
      const outcome = failure ?? (iops === null ? "failed" : `${rate(iops)} ${unit}${more}`);
      before = `  (before: ${outcome})`;
      line.step(`${trial}: ${outcome}`, failure !== null);
    },
    say: line.keep,
    clear: line.clear,
  };
}

/** By the trials that have ended; empty before the first has. */
export function timeLeft(ended: number, of: number, elapsed: number): string {
  if (ended === 0) return "";
  const seconds = Math.ceil((elapsed * (of - ended)) / ended / 1e9);
  return `  ${shownTime(seconds * 1e9)} left`;
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
    end: (_cell, { figures, failure }: Trial) => {
      const { pool_length_peak: extra, pool_preallocated: own } = figures ?? {};
      const more =
        figures === null ? "" : `, p99 ${shownTime(figures.lat_p99_ns)}, pool ${own}+${extra}`;
      line.end(figures?.iops ?? null, failure, "IOPS", more);
    },
  };
  return { events, clear: line.clear };
}
