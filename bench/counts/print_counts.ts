// What a command costs in exact counts, on the initiator's and on the target's path: objects, calls
// of the C library, copies, frames. Two revisions that differ in one of them differ here, on any
// machine, whatever else runs.
//
//   bun print_counts.ts                                every count, a line each
//   bun print_counts.ts heap|seams memory|packet       a part of it, in a process of its own: what
//                                                      counts calls makes objects itself

import { release } from "node:os";
import { labCommandLine, labEnv, probeLab } from "../../lab/lab.ts";
import type { ChildRun } from "../machine/child.ts";
import type { Cell } from "./cells.ts";
import { COMMANDS, type Gate } from "./counted_scene.ts";
import { checkCounting, HEAP, objectsOf } from "./object_counts.ts";
import { type Kind, replaceSeams, type Seams } from "./seams.ts";

const PARTS = ["heap", "seams"] as const;
const LAB = { mtu: 9000 };
const WARM_UP = COMMANDS;
const KINDS: readonly Kind[] = ["system_calls", "library_calls", "copies"];

/** A line: cell, kind of count, name, count. */
function line(cell: string, kind: string, name: string, count: number): string {
  return `${cell} ${kind} ${name} ${count}\n`;
}

function told(cell: string, kind: string, names: ReadonlyMap<string, number>): string {
  const total = [...names.values()].reduce((sum, count) => sum + count, 0);
  const rows = [...names].toSorted().map(([name, count]) => line(cell, kind, name, count));
  return line(cell, kind, "total", total) + rows.join("");
}

/** Of one cell; `seams`: what counts calls and copies, null: objects are counted. */
function count({ name, open, make }: Cell, gate: Gate, seams: Seams | null): string {
  const ends = open();
  const scene = make(ends, gate);
  scene.run(WARM_UP);
  try {
    if (seams === null) {
      const objects = objectsOf((commands) => scene.run(commands), COMMANDS);
      return told(name, "objects", objects);
    }
    const before = { ...ends.near.counters };
    seams.clear();
    scene.run(COMMANDS);
    const after = ends.near.counters;
    const frames = new Map([
      ["sent", after.transmitted - before.transmitted],
      ["received", after.received - before.received],
      ["copied", (after.copied ?? 0) - (before.copied ?? 0)],
    ]);
    const kinds = KINDS.map((kind) => told(name, kind, seams.counts.get(kind) ?? new Map()));
    return kinds.join("") + told(name, "frames", frames);
  } finally {
    ends.close();
  }
}

async function part(which: string, link: string): Promise<void> {
  const gate: Gate = { open: false };
  const counted = which === "seams";
  let time = 1e9;
  const clock = {
    now: () => time,
    set(now: number) {
      time = now;
    },
  };
  const seams = replaceSeams({ gate, counted, clock: link === "packet" ? clock : null });
  if (!counted) checkCounting();
  const { memoryCells, packetCells } = await import("./cells.ts");
  for (const cell of link === "packet" ? packetCells(clock) : memoryCells()) {
    process.stdout.write(count(cell, gate, counted ? seams : null));
  }
}

async function all(): Promise<void> {
  const { runChild } = await import("../machine/child.ts");
  const engine = `Bun ${Bun.version} on Linux ${release()}`;
  process.stdout.write(`# Counts of ${COMMANDS} commands each, ${engine}\n`);
  const runs: Promise<ChildRun>[] = [];
  const lab = probeLab(LAB);
  for (const which of PARTS) {
    const words = [process.execPath, import.meta.path, which];
    runs.push(runChild([...words, "memory"], { env: { ...process.env, ...HEAP } }));
    if (!lab.available) continue;
    const env = { ...labEnv(LAB), ...HEAP };
    runs.push(runChild(labCommandLine([...words, "packet"], LAB), { env }));
  }
  for (const { code, stdout, stderr } of await Promise.all(runs)) {
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    if (code !== 0) process.exitCode = code;
  }
  if (!lab.available) process.stdout.write(`# Not there: raw sockets (${lab.reason})\n`);
}

const [which, link = ""] = process.argv.slice(2);
await (which === undefined ? all() : part(which, link));
