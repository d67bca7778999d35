// The program as one executable: where the sources start a file of theirs as `bun FILE …`, it starts itself with that
// file's path, and runs what is built in (sys/root.ts).

import { relative } from "node:path";
import { ROOT } from "../sys/root.ts";

const STARTED: Readonly<Record<string, () => Promise<unknown>>> = {
  "aoe.ts": () => import("../aoe.ts"),
  "bench/growth/trial.ts": () => import("../bench/growth/trial.ts"),
  "bench/peers/idle_probe.ts": () => import("../bench/peers/idle_probe.ts"),
  "bench/run/memory_trial.ts": () => import("../bench/run/memory_trial.ts"),
  "bench/run/null_target.ts": () => import("../bench/run/null_target.ts"),
  "bench/whole/ready_prober.ts": () => import("../bench/whole/ready_prober.ts"),
  "lab/late_player.ts": () => import("../lab/late_player.ts"),
  "lab/vm_start.ts": () => import("../lab/vm_start.ts"),
};

const named = relative(ROOT, process.argv[2] ?? "");
const start = STARTED[named];
if (start === undefined) await import("../aoe.ts");
else {
  process.argv.splice(1, 1);
  await start();
}
