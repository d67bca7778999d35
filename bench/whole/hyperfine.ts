// The system's hyperfine: found, checked, run. The npm package of that name is a downloader whose stub prints
// an error and exits 0, so what lies in a node_modules is never taken for it.

import { readFileSync } from "node:fs";
import * as v from "valibot";
import { environment, failed } from "../../words/failure.ts";
import { shellLine } from "../../lab/shell.ts";
import { searchPath } from "../../lab/programs.ts";

/** The first with `--shell none`, without which a shell's own time is subtracted by guess. */
const LEAST = [1, 13] as const;
const INSTALL = "install it with `apt install hyperfine`, or from github.com/sharkdp/hyperfine";

const Timing = v.object({
  command: v.string(),
  mean: v.number(),
  stddev: v.nullable(v.number()),
  median: v.number(),
  user: v.number(),
  system: v.number(),
  min: v.number(),
  max: v.number(),
  times: v.array(v.number()),
  exit_codes: v.array(v.nullable(v.number())),
});
const Export = v.object({ results: v.array(Timing) });

/** One command's, as hyperfine writes it: seconds. */
export type Timing = v.InferOutput<typeof Timing>;

export interface Hyperfine {
  readonly path: string;
  readonly version: string;
}

/** The program, or the environment Failure that says what to install. */
export function findHyperfine(path = process.env["PATH"]): Hyperfine {
  const folders = searchPath(path)
    .split(":")
    .filter((folder) => !folder.split("/").includes("node_modules"));
  const found = Bun.which("hyperfine", { PATH: folders.join(":") });
  if (found === null) {
    throw environment(`\`hyperfine\` is not installed, which times whole commands: ${INSTALL}`);
  }
  const run = Bun.spawnSync([found, "--version"], { stdin: "ignore", stderr: "ignore" });
  const said = run.stdout.toString().trim();
  const match = /^hyperfine (\d+)\.(\d+)(\.\d+)?$/.exec(said);
  const [major, minor] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  if (match === null || major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1])) {
    throw environment(
      `Expected \`${found}\` to be hyperfine ${LEAST.join(".")} or later, got \`${said.slice(0, 80)}\`: ${INSTALL}`,
    );
  }
  return { path: found, version: said.slice("hyperfine ".length) };
}

export interface Timed {
  readonly name: string;
  /** What is timed; no shell stands between. */
  readonly command: readonly string[];
  /** Before each run, untimed. */
  readonly prepare?: readonly string[];
}

export interface TimingPlan {
  readonly runs: number;
  readonly warmup: number;
  /** A folder for its export. */
  readonly folder: string;
}

/** hyperfine's own command line for these commands; its export goes to `file`. */
export function hyperfineWords(
  { path }: Hyperfine,
  commands: readonly Timed[],
  { runs, warmup }: TimingPlan,
  file: string,
): string[] {
  const words = [path, "--shell", "none", "--style", "basic", "--export-json", file];
  words.push("--runs", String(runs), "--warmup", String(warmup));
  // As many --prepare as commands, or none.
  const prepared = commands.some(({ prepare }) => prepare !== undefined);
  // hyperfine splits them into the same words again, without a shell.
  for (const { name, command, prepare = ["true"] } of commands) {
    if (prepared) words.push("--prepare", shellLine(prepare));
    words.push("--command-name", name, shellLine(command));
  }
  return words;
}

export function readExport(file: string): Timing[] {
  const parsed = v.safeParse(Export, JSON.parse(readFileSync(file, "utf8")));
  if (!parsed.success) {
    throw failed(`hyperfine's export is not as expected: ${parsed.issues[0].message}`);
  }
  return parsed.output.results;
}
