// What whole commands are timed, and how: a shell script for each lab, made from lists of parameters.
//
//   cold start   what one waits for before a command does anything: × commands
//   ready        from a target's start to its first answer to discovery: × targets
//   read         an image read whole into nothing: × targets × readers

import { join } from "node:path";
import { AOE } from "../../lab/programs.ts";
import { shellLine } from "../../lab/shell.ts";
import { hyperfineWords, type Hyperfine, type Timed, type TimingPlan } from "./hyperfine.ts";
import { BUILT_IN, ownFile } from "../../sys/root.ts";

const PROBER = ownFile("bench/whole/ready_prober.ts");
const ADDRESS = "e7.3";

export interface WholePlan extends TimingPlan {
  readonly hyperfine: Hyperfine;
  /** An image, and its bytes. */
  readonly image: string;
  readonly bytes: number;
  /** null: not installed. */
  readonly vblade: string | null;
}

export interface Comparison {
  readonly name: string;
  readonly about: string;
  readonly bytes: number | null;
  readonly commands: readonly Timed[];
  /** A shell script that leaves hyperfine's export in `file`. */
  readonly script: string;
  readonly file: string;
  /** Whether it needs a network. */
  readonly lab: boolean;
}

export const NAMES = ["cold-start", "ready", "read"] as const;
export type Name = (typeof NAMES)[number];

export function isName(text: string): text is Name {
  return (NAMES as readonly string[]).includes(text);
}

/** The comparisons of a name: one, or for reads one for each target. */
export function comparisonsOf(name: Name, plan: WholePlan): Comparison[] {
  if (name === "cold-start") return [coldStart(plan)];
  if (name === "ready") return [ready(plan)];
  return targets(plan).map((target) => read(plan, target));
}

const aoe = (...words: string[]): string[] => [process.execPath, AOE, ...words];

function timings(plan: WholePlan, commands: readonly Timed[], file: string): string {
  return shellLine(hyperfineWords(plan.hyperfine, commands, plan, file));
}

function fileOf({ folder }: WholePlan, name: string): string {
  return join(folder, `${name}.json`);
}

function coldStart(plan: WholePlan): Comparison {
  const file = fileOf(plan, "cold-start");
  const commands: Timed[] = [
    // An executable runs no other script.
    ...(BUILT_IN ? [] : [{ name: "bun, empty script", command: [process.execPath, "-e", "0"] }]),
    ...[["--version"], ["target", "--help"], ["initiator", "--help"], ["bench", "--help"]].map(
      (words) => ({ name: `aoe ${words.join(" ")}`, command: aoe(...words) }),
    ),
  ];
  return {
    name: "cold start",
    about: "from nothing to a command's first words",
    bytes: null,
    commands,
    script: timings(plan, commands, file),
    file,
    lab: false,
  };
}

interface Target {
  readonly name: string;
  readonly command: readonly string[];
}

function targets({ image, vblade }: WholePlan): Target[] {
  return [
    { name: "aoe target", command: aoe("target", "7", "3", "b0", image, "-r") },
    ...(vblade === null
      ? []
      : [{ name: "vblade", command: [vblade, "-r", "7", "3", "b0", image] }]),
  ];
}

function ready(plan: WholePlan): Comparison {
  const file = fileOf(plan, "ready");
  const { folder } = plan;
  const [go, told, pid] = [join(folder, "go"), join(folder, "told"), join(folder, "pid")];
  const start = join(folder, "ready.sh");
  const stop = join(folder, "stop.sh");
  const commands = targets(plan).map(({ name, command }) => ({
    name,
    command: ["sh", start, ...command],
    prepare: ["sh", stop],
  }));
  return {
    name: "ready",
    about: "from a target's start to its first answer to discovery, asked for every millisecond",
    bytes: null,
    commands,
    script: `mkfifo ${shellLine([go, told])}
cat > ${shellLine([start])} <<'END'
"$@" >/dev/null 2>&1 & echo $! > ${shellLine([pid])}
echo go > ${shellLine([go])}
read answer < ${shellLine([told])}
[ "$answer" = ready ]
END
cat > ${shellLine([stop])} <<'END'
if [ -e ${shellLine([pid])} ]; then
  p=$(cat ${shellLine([pid])}); rm ${shellLine([pid])}
  kill "$p" 2>/dev/null
  n=0; while kill -0 "$p" 2>/dev/null && [ $n -lt 300 ]; do sleep 0.01; n=$((n+1)); done
fi
read warm < ${shellLine([told])}
[ "$warm" = open ]
END
${shellLine([process.execPath, PROBER, "a0", go, told])} & prober=$!
${timings(plan, commands, file)}; code=$?
sh ${shellLine([stop])}; echo end > ${shellLine([go])}; wait $prober; exit $code`,
    file,
    lab: true,
  };
}

function read(plan: WholePlan, { name, command }: Target): Comparison {
  const file = fileOf(plan, `read-${name.replaceAll(" ", "-")}`);
  const reader = (...words: string[]): string[] =>
    aoe("initiator", "read", ADDRESS, "-i", "a0", "-o", "/dev/null", "--force", ...words);
  const commands: Timed[] = [
    { name: "cat, the file itself", command: ["cat", plan.image] },
    { name: "aoe initiator read", command: reader() },
    {
      name: "one frame at a time",
      command: reader("--window", "1", "--iodepth", "1"),
    },
  ];
  const words = join(plan.folder, `${name.replaceAll(" ", "-")}.err`);
  return {
    name: `read from ${name}`,
    about: `an image of ${plan.bytes / 2 ** 20} MiB read completely and discarded`,
    bytes: plan.bytes,
    commands,
    script: `${shellLine(command)} >/dev/null 2>${shellLine([words])} & target=$!
${shellLine(aoe("initiator", "info", ADDRESS, "-i", "a0", "--wait", "10s"))} >/dev/null
${timings(plan, commands, file)}; code=$?
kill $target; wait $target; exit $code`,
    file,
    lab: true,
  };
}
