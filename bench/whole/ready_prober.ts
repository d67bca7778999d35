// Waits in the lab for a target to answer, as a process of its own that is warm before the clock runs:
//
//   hyperfine ▶ stop.sh  ── ends the target of the run before, waits for "open" ◀── FIFO ◀── prober
//             ▶ ready.sh ── starts TARGET, "go" ──▶ FIFO ──▶ prober ── discovery each ms ──▶ target
//                 ▲────────────── one line ◀──────── FIFO ◀── its first answer ◀───────────────┘
//
//   bun ready_prober.ts INTERFACE GO ANSWERED      e7.3 is asked for; ends when told "end"

import { openSync, readSync, writeSync } from "node:fs";
import { MS, S } from "../../words/quantity.ts";
import { Asker, firstAnswer } from "../machine/asker.ts";

const [MAJOR, MINOR] = [7, 3] as const;

const [on = "", go = "", told = ""] = process.argv.slice(2);
// Open for both: a FIFO without writers would otherwise read as ended.
const asked = openSync(go, "r+");
const answers = openSync(told, "r+");
const line = Buffer.alloc(16);
for (;;) {
  // What takes time is done here, before the clock runs.
  const asker = new Asker(on);
  writeSync(answers, "open\n");
  const word = line.toString("latin1", 0, readSync(asked, line));
  const ended = word.startsWith("end");
  if (!ended) {
    const found = firstAnswer(asker, MAJOR, MINOR, { every: MS, patience: 10 * S });
    writeSync(answers, found === null ? "silent\n" : "ready\n");
  }
  // The kernel takes tens of milliseconds to close a packet socket: not the target's, so the clock has stopped.
  asker.close();
  if (ended) break;
}
