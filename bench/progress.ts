// Progress of a run on stderr: a line that rewrites itself on a terminal, else a line for each trial.

import { rate } from "./findings.ts";
import type { Cell } from "./job/job.ts";
import type { Trial } from "./result.ts";
import type { RunEvents } from "./run.ts";
import { printable } from "../words/printable.ts";
import { say } from "../words/say.ts";

export interface Progress {
  readonly events: RunEvents;
  clear(): void;
}

export function createProgress(): Progress {
  const terminal = process.stderr.isTTY === true;
  let visible = false;
  let place = 0;
  let total = 0;
  const clear = (): void => {
    if (visible) process.stderr.write("\r\x1b[2K");
    visible = false;
  };
  const name = (cell: Cell, arm: string): string =>
    printable(
      `${Object.values(cell.axes).join("  ") || cell.job}${arm === "run" ? "" : `  (${arm})`}`,
    );
  const counter = (): string => `${String(place + 1).padStart(String(total).length)}/${total}`;
  const events: RunEvents = {
    warn(sentence) {
      clear();
      say(sentence);
    },
    begin(cell, at, of, arm) {
      place = at;
      total = of;
      if (!terminal) return;
      clear();
      visible = true;
      process.stderr.write(`${counter()}  ${name(cell, arm)}`);
    },
    end(cell, trial: Trial, arm) {
      const outcome = trial.figures === null ? "failed" : `${rate(trial.figures.iops)} commands/s`;
      if (trial.failure !== null || !terminal) {
        clear();
        process.stderr.write(
          `${counter()}  ${name(cell, arm)}: ${printable(trial.failure ?? outcome)}\n`,
        );
      }
    },
  };
  return { events, clear };
}
