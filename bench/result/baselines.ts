// What this machine remembers between runs: baselines by name, and how noisy it is.
//
//   $AOE_BENCH_STATE, or $XDG_STATE_HOME/aoe/bench, or ~/.local/state/aoe/bench
//     baselines/NAME.json      a result of `aoe bench run`
//     noise.json               bands.ts

import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { expected, usage } from "../../words/failure.ts";
import type { RunResult } from "./result.ts";
import { readIfThere, readResult, writeWhole } from "./result_file.ts";

export function stateFolder(): string {
  const { AOE_BENCH_STATE: own, XDG_STATE_HOME: xdg } = process.env;
  return own ?? join(xdg ?? join(homedir(), ".local", "state"), "aoe", "bench");
}

/** A name, and no path. */
function baselinePath(name: string, option: string): string {
  if (!/^[\w][\w.-]*$/.test(name)) {
    throw expected(option, "a name of letters, digits, `_`, `.` and `-`", name);
  }
  return join(stateFolder(), "baselines", `${name}.json`);
}

export function saveBaseline(name: string, result: RunResult): string {
  const path = baselinePath(name, "--save-baseline");
  writeWhole(path, `${JSON.stringify(result)}\n`);
  return path;
}

export function loadBaseline(name: string): RunResult {
  const path = baselinePath(name, "--baseline");
  if (readIfThere(path) === null) {
    const known = baselineNames();
    throw usage(
      `There is no baseline \`${name}\` (${known.length === 0 ? "none is saved" : `saved: ${known.join(", ")}`}); make it with aoe bench run JOB --save-baseline ${name}`,
    );
  }
  return readResult(path);
}

function baselineNames(): string[] {
  try {
    return readdirSync(join(stateFolder(), "baselines"))
      .filter((name) => name.endsWith(".json"))
      .map((name) => name.slice(0, -5))
      .sort();
  } catch {
    return [];
  }
}
