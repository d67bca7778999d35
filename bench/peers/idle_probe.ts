// Started in a lab: starts a target again and again, and tells when it first answers and what it costs when nothing
// is asked of it. Prints one line of JSON.
//
//   bun idle_probe.ts STARTS IDLE_NS CPU COMMAND…      CPU: `any`, or where the target runs
//
// This process has its socket open and its code run once before the first start that counts.

import { readlinkSync } from "node:fs";
import { now } from "../../sys/clock.ts";
import { Asker, awaitExport } from "../machine/asker.ts";
import { processCost } from "../machine/process_cost.ts";
import { findProgram } from "../../lab/programs.ts";
import { NEAR, SHELF, SLOT } from "./arms.ts";

/** How long a target may still work on what its start has left. */
const SETTLE_MS = 1000;
const QUIET_NS = 50e6;

const [starts = "1", idle = "1e9", cpu = "any", ...words] = process.argv.slice(2);
const command = cpu === "any" ? words : [findProgram("taskset") ?? "taskset", "-c", cpu, ...words];
const asker = new Asker(NEAR);
/** /proc may be that of another pid namespace. */
const ours = readlinkSync("/proc/self") === String(process.pid);
const [start_ns, idle_cpu_share, resident_bytes]: [number[], (number | null)[], (number | null)[]] =
  [[], [], []];
for (let at = -1; at < Number(starts); at++) {
  const begun = now();
  const child = Bun.spawn(command, { stdio: ["ignore", "ignore", "inherit"] });
  const answered = awaitExport(asker, Number(SHELF), Number(SLOT)).at;
  if (at >= 0) start_ns.push(answered - begun);
  if (at === 0) {
    await Bun.sleep(SETTLE_MS);
    const before = ours ? processCost(child.pid) : null;
    const from = now();
    await Bun.sleep(Number(idle) / 1e6);
    const after = ours ? processCost(child.pid) : null;
    const passed = now() - from;
    idle_cpu_share.push(
      before === null || after === null ? null : (after.cpu_ns - before.cpu_ns) / passed,
    );
    resident_bytes.push(after?.resident_bytes ?? null);
  }
  child.kill("SIGTERM");
  await child.exited;
  asker.drain(QUIET_NS);
}
asker.close();
process.stdout.write(`${JSON.stringify({ start_ns, idle_cpu_share, resident_bytes })}\n`);
