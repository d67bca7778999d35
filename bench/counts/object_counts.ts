// Objects that work leaves on JavaScript's heap, by type, exactly. A process that counts is started
// by `HEAP`: without the compilers that leave out what they see to be useless, and without a
// collection during the work, the same code makes the same objects on every machine.

import { heapStats } from "bun:jsc";

const NO_COLLECTION = `${2 ** 31}`;

/** Environment of a process that counts. */
export const HEAP: Readonly<Record<string, string>> = {
  BUN_JSC_useDFGJIT: "0",
  BUN_JSC_smallHeapSize: NO_COLLECTION,
  BUN_JSC_mediumHeapSize: NO_COLLECTION,
  BUN_JSC_largeHeapSize: NO_COLLECTION,
};

/** What the engine makes for itself: shapes of objects and code, as it comes by them. */
const ENGINE = /^(Structure|PropertyTable|SymbolTable|.*CodeBlock|.*Executable|.*RareData)/;

type Work = (commands: number) => void;

/** Throws where one object a command is not seen as one: a blind counter must not say "same". */
export function checkCounting(): void {
  const commands = 100;
  const seen = objectsOf(allocating, commands);
  if (seen.size === 1 && seen.get("Object") === commands) return;
  const told = JSON.stringify(Object.fromEntries(seen));
  throw new Error(`objects can't be counted here: ${commands} were made and ${told} seen`);
}

/** By type: objects that so many commands make. Types of which none is made are not there. */
export function objectsOf(work: Work, commands: number): Map<string, number> {
  Bun.gc(true);
  // What a collection has thrown away comes back in the first commands after it.
  work(commands);
  const empty = left(work, 0);
  const full = left(work, commands);
  const found = new Map<string, number>();
  for (const type of new Set([...full.keys(), ...empty.keys()])) {
    const objects = (full.get(type) ?? 0) - (empty.get(type) ?? 0);
    if (objects !== 0 && !ENGINE.test(type)) found.set(type, objects);
  }
  return found;
}

/** Of the commands and of counting itself. */
function left(work: Work, commands: number): Map<string, number> {
  const before = heapStats().objectTypeCounts;
  work(commands);
  const after = heapStats().objectTypeCounts;
  const types = Object.keys(after);
  return new Map(types.map((type) => [type, (after[type] ?? 0) - (before[type] ?? 0)]));
}

/** Reached from outside, so that the object is not useless. */
const kept: { last: object | null } = { last: null };

function allocating(commands: number): void {
  for (let command = 0; command < commands; command++) kept.last = { command };
}
