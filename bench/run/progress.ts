// Progress of a run on stderr: a line that rewrites itself on a terminal, else a line for each trial.
import type { Trial } from "../result/result.ts";
import type { RunEvents } from "./run.ts";
import { createStatusLine } from "../../words/status_line.ts";
import type { Cell } from "../job/resolved.ts";
import { rate } from "../../words/shown.ts";

export interface Progress {
  readonly events: RunEvents;
  clear(): void;
}

export function createProgress(): Progress {
  const line = createStatusLine();
  let place = 0;
  let total = 0;
  const name = (cell: Cell, arm: string): string =>
    `${Object.values(cell.axes).join("  ") || cell.job}${arm === "run" ? "" : `  (${arm})`}`;
  const counter = (): string => `${String(place + 1).padStart(String(total).length)}/${total}`;
  const events: RunEvents = {
    warn(sentence) {
      line.keep(sentence);
    },
    begin(cell, at, of, arm) {
      place = at;
      total = of;
      line.show(`${counter()}  ${name(cell, arm)}`);
    },
    end(cell, trial: Trial, arm) {
      const outcome = trial.figures === null ? "failed" : `${rate(trial.figures.iops)} IOPS`;
      const text = `${counter()}  ${name(cell, arm)}: ${trial.failure ?? outcome}`;
      line.step(text, trial.failure !== null);
    },
  };
  return { events, clear: line.clear };
}
