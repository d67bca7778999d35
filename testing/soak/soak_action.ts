// `aoe bench soak`: a lab for each scenario, or the lab that it stands in.

import { EXIT, expected } from "../../words/failure.ts";
import { parseDuration } from "../../words/quantity.ts";
import { runChild } from "../../bench/machine/child.ts";
import { AOE } from "../../lab/programs.ts";
import { labCommandLine, labEnv, requireLab } from "../../lab/lab.ts";
import { makeScratch } from "../../bench/machine/scratch.ts";
import { type SoakOutcome, SCENARIOS, soak } from "./scenarios.ts";
import { printableJson } from "../../words/printable.ts";

export interface SoakFlags {
  readonly seconds?: string;
  readonly json?: boolean;
  readonly inside?: boolean;
}

const SHAPE = { mtu: 1500 };

/** The exit code: 1 where something does not hold. */
export async function soakAction(names: readonly string[], flags: SoakFlags): Promise<number> {
  const seconds = flags.seconds ?? "5";
  const ns = parseDuration(`${seconds}s`, "--seconds");
  if (ns <= 0) throw expected("--seconds", "above 0", seconds);
  const known = SCENARIOS.map(({ name }) => name);
  const wanted = names.length === 0 || names.includes("all") ? known : names;
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) throw expected("NAME", `all or some of ${known.join(", ")}`, unknown);
  if (flags.inside === true) {
    const [name] = wanted;
    const scenario = SCENARIOS.find((each) => each.name === name);
    if (scenario === undefined) throw new Error(`invariant: ${name} is a scenario`);
    process.stdout.write(`${printableJson(await soak(scenario, ns))}\n`);
    return EXIT.done;
  }
  requireLab(SHAPE);
  const outcomes: SoakOutcome[] = [];
  for (const name of wanted) {
    const outcome = await inLab(name, seconds);
    if (outcome === null) return EXIT.failed;
    outcomes.push(outcome);
    if (flags.json !== true) process.stdout.write(`${describe(outcome)}\n`);
  }
  if (flags.json === true) process.stdout.write(`${printableJson({ schema: 1, outcomes })}\n`);
  return outcomes.some(({ broken }) => broken.length > 0) ? EXIT.failed : EXIT.done;
}

async function inLab(name: string, seconds: string): Promise<SoakOutcome | null> {
  const words = [process.execPath, AOE, "bench", "soak", name, "--seconds", seconds, "--inside"];
  // Where its files go: a signal ends the lab at once, and all that runs there.
  const { folder, remove } = makeScratch("soak");
  try {
    const env = { ...labEnv(SHAPE), TMPDIR: folder };
    const { code, stdout, stderr } = await runChild(labCommandLine(words, SHAPE), { env });
    process.stderr.write(stderr);
    return code === EXIT.done ? (JSON.parse(stdout) as SoakOutcome) : null;
  } finally {
    remove();
  }
}

function describe({ name, broken, figures }: SoakOutcome): string {
  const about = SCENARIOS.find((each) => each.name === name)?.about ?? "";
  return [
    `${name}: ${about}`,
    ...Object.entries(figures).map(([key, value]) => `  ${key} ${Math.round(value * 100) / 100}`),
    ...(broken.length === 0 ? ["  holds"] : broken.map((sentence) => `  BROKEN: ${sentence}`)),
  ].join("\n");
}
