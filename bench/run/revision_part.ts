// Where a part of another revision's bench stands: as that revision says (parts.ts), or, in revisions older than the
// question, where it stood then.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { AOE } from "../../lab/programs.ts";
import { type PartName, partPath } from "./parts.ts";

const OLD: Readonly<Partial<Record<PartName, string>>> = {
  golden: "bench/sim/golden.ts",
  micro: "bench/micro/pool.bench.ts",
  memoryTrial: "bench/memory_trial.ts",
};

type Paths = Readonly<Partial<Record<PartName, string>>>;

const told = new Map<string, Paths>();

/** What the revision says of itself; asked once. */
function pathsOf(program: string): Paths {
  const before = told.get(program);
  if (before !== undefined) return before;
  const asked = Bun.spawnSync([process.execPath, program, "bench", "parts"], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const root = join(program, "..");
  const paths: Paths =
    asked.exitCode === 0
      ? (JSON.parse(asked.stdout.toString()) as Paths)
      : Object.fromEntries(
          Object.entries(OLD)
            .map(([name, place]) => [name, join(root, place)] as const)
            .filter(([, path]) => existsSync(path)),
        );
  told.set(program, paths);
  return paths;
}

/** Absolute path of a part of the revision whose aoe.ts is `program`; null: it has none. */
export function partOf(program: string, part: PartName): string | null {
  return program === AOE ? partPath(part) : (pathsOf(program)[part] ?? null);
}
