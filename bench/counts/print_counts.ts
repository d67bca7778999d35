// What a command costs in exact counts, on the initiator's and on the target's path: objects, calls
// of the C library, copies, frames. Two revisions that differ in one of them differ here, on any
// machine, whatever else runs.
//
//   bun print_counts.ts                every count, a line each
//   bun print_counts.ts heap | seams   one process's part: what counts calls makes objects itself

import { COMMANDS, type Ends, type Gate, type Scene } from "./counted_scene.ts";
import { checkCounting, HEAP, objectsOf } from "./object_counts.ts";
import { type Kind, replaceSeams, type Seams } from "./seams.ts";

const PARTS = ["heap", "seams"] as const;
const WARM_UP = 2 * COMMANDS;

interface Cell {
  /** Side, link, workload. */
  readonly name: string;
  readonly ends: Ends;
  readonly make: () => Scene;
}

/** A line: cell, kind of count, name, count. */
function line(cell: string, kind: string, name: string, count: number): string {
  return `${cell} ${kind} ${name} ${count}\n`;
}

function told(cell: string, kind: string, names: ReadonlyMap<string, number>): string {
  const total = [...names.values()].reduce((sum, count) => sum + count, 0);
  const rows = [...names].toSorted().map(([name, count]) => line(cell, kind, name, count));
  return line(cell, kind, "total", total) + rows.join("");
}

/** Every cell over the memory link. Loaded here: the seams are replaced before. */
async function memoryCells(gate: Gate): Promise<Cell[]> {
  const { memoryEnds } = await import("./memory_ends.ts");
  const { initiatorScene } = await import("./initiator_scene.ts");
  const { targetScene } = await import("./target_scene.ts");
  const { STRATEGIES } = await import("../../initiator/pool/buffer_pool.ts");
  const { READ, WRITE } = await import("../../initiator/protocol/operation.ts");
  const { READ_EXT, WRITE_EXT } = await import("../../wire/ata.ts");
  const sizes = [1, 8];
  const initiators = STRATEGIES.flatMap((strategy) =>
    sizes.flatMap((sectors) =>
      [READ, WRITE].map((operation): Cell => {
        const ends = memoryEnds("coalesce:8/1ms", 1500);
        const what = `${operation === READ ? "read" : "write"}-${sectors * 512}`;
        return {
          name: `initiator memory ${what}/${strategy}`,
          ends,
          make: () => initiatorScene({ strategy, operation, sectors }, ends, gate),
        };
      }),
    ),
  );
  const targets = sizes.flatMap((sectors) =>
    [READ_EXT, WRITE_EXT].map((opcode): Cell => {
      const ends = memoryEnds("eager", 9000);
      const what = `${opcode === READ_EXT ? "read" : "write"}-${sectors * 512}`;
      return {
        name: `target memory ${what}`,
        ends,
        make: () => targetScene({ opcode, sectors }, ends, gate),
      };
    }),
  );
  return [...initiators, ...targets];
}

function heapLines({ name, make }: Cell): string {
  const scene = make();
  scene.run(WARM_UP);
  return told(
    name,
    "objects",
    objectsOf((commands) => scene.run(commands), COMMANDS),
  );
}

const KINDS: readonly Kind[] = ["system_calls", "library_calls", "copies"];

function seamLines({ name, make, ends }: Cell, seams: Seams): string {
  const scene = make();
  scene.run(WARM_UP);
  const before = { ...ends.near.counters };
  seams.clear();
  scene.run(COMMANDS);
  const after = ends.near.counters;
  const frames = new Map([
    ["sent", after.transmitted - before.transmitted],
    ["received", after.received - before.received],
    ...(after.copied === undefined
      ? []
      : [["copied", after.copied - (before.copied ?? 0)] as const]),
  ]);
  const kinds = KINDS.map((kind) => told(name, kind, seams.counts.get(kind) ?? new Map()));
  return kinds.join("") + told(name, "frames", frames);
}

async function part(which: string): Promise<void> {
  const gate: Gate = { open: false };
  const counted = which === "seams";
  const seams = replaceSeams({ gate, counted, clock: null });
  if (!counted) checkCounting();
  for (const cell of await memoryCells(gate)) {
    process.stdout.write(counted ? seamLines(cell, seams) : heapLines(cell));
  }
}

async function all(): Promise<void> {
  const { runChild } = await import("../machine/child.ts");
  process.stdout.write(`# Counts of ${COMMANDS} commands each, Bun ${Bun.version}\n`);
  const env = { ...process.env, ...HEAP };
  const runs = PARTS.map((which) => runChild([process.execPath, import.meta.path, which], { env }));
  for (const { code, stdout, stderr } of await Promise.all(runs)) {
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    if (code !== 0) process.exitCode = code;
  }
}

const [which] = process.argv.slice(2);
await (which === undefined ? all() : part(which));
