// Started in a lab: starts a target again and again, and tells when it first answers and what it costs when nothing
// is asked of it. This process has its socket open and its code run once before the first start that counts.

import { readlinkSync } from "node:fs";
import { now } from "../../sys/clock.ts";
import { pinToCpus } from "../../sys/affinity.ts";
import * as aoe from "../../wire/aoe.ts";
import { S } from "../../words/quantity.ts";
import { Asker, awaitExport } from "../machine/asker.ts";
import { answerProbe } from "../machine/probe.ts";
import { processCost } from "../machine/process_cost.ts";
import { NEAR, pinned } from "./arms.ts";
import type { PeersIdle } from "./result.ts";
import { isStarted } from "../../sys/root.ts";

export interface IdleTask {
  readonly command: readonly string[];
  /** What is asked for until it answers. */
  readonly shelf: number;
  readonly slot: number;
  readonly starts: number;
  readonly idle_ns: number;
  /** CPUs; null: not pinned. */
  readonly target_cpu: number | null;
  readonly own_cpu: number | null;
}

export interface IdleFigures extends Omit<PeersIdle, "arm"> {
  /** How many answered one broadcast to a plain socket, and until the last of them. */
  discovered: number;
  discovery_ns: number;
}

/** How long a target may still work on what its start has left. */
const SETTLE_MS = 1000;
const QUIET_NS = 50e6;

function discoverAll(asker: Asker): Pick<IdleFigures, "discovered" | "discovery_ns"> {
  asker.drain(QUIET_NS);
  const seen = new Set<number>();
  const asked = now();
  let last = asked;
  asker.sendConfig(aoe.ANY_MAJOR, aoe.ANY_MINOR);
  for (let view = asker.take(S); view !== null; view = asker.take(0.3 * S)) {
    seen.add(aoe.major(view, 0) * 0x100 + aoe.minor(view, 0));
    last = now();
  }
  return { discovered: seen.size, discovery_ns: last - asked };
}

async function measureIdle(task: IdleTask): Promise<IdleFigures> {
  if (task.own_cpu !== null) pinToCpus([task.own_cpu]);
  const asker = new Asker(NEAR);
  /** /proc may be that of another pid namespace. */
  const ours = readlinkSync("/proc/self") === String(process.pid);
  const idle: Omit<PeersIdle, "arm"> = { start_ns: [], idle_cpu_share: [], resident_bytes: [] };
  let discovery = { discovered: 0, discovery_ns: 0 };
  for (let at = -1; at < task.starts; at++) {
    const begun = now();
    const child = Bun.spawn([...pinned(task.target_cpu, task.command)], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const answered = awaitExport(asker, task.shelf, task.slot).at;
    if (at >= 0) idle.start_ns.push(answered - begun);
    if (at === 0) {
      await Bun.sleep(SETTLE_MS);
      const before = ours ? processCost(child.pid) : null;
      const from = now();
      await Bun.sleep(task.idle_ns / 1e6);
      const after = ours ? processCost(child.pid) : null;
      const passed = now() - from;
      idle.idle_cpu_share.push(
        before === null || after === null ? null : (after.cpu_ns - before.cpu_ns) / passed,
      );
      idle.resident_bytes.push(after?.resident_bytes ?? null);
      discovery = discoverAll(asker);
    }
    child.kill("SIGTERM");
    await child.exited;
    asker.drain(QUIET_NS);
  }
  asker.close();
  return { ...idle, ...discovery };
}

if (isStarted("bench/peers/idle_probe.ts")) await answerProbe(measureIdle);
