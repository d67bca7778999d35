// `aoe bench whole`: whole commands timed by hyperfine, ours beside others'.

import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createBreath } from "../../words/breath.ts";
import { EXIT, expected, failed } from "../../words/failure.ts";
import { parseInteger, parseSize } from "../../words/quantity.ts";
import { runChild } from "../machine/child.ts";
import { labCommandLine, labEnv, probeLab } from "../../lab/lab.ts";
import { findProgram } from "../../lab/programs.ts";
import { beginMeasuring, type Measuring } from "../machine/measuring.ts";
import { checkOutput, type OutputFlags, publish } from "../machine/output.ts";
import { makeScratch } from "../machine/scratch.ts";
import { type Comparison, comparisonsOf, isName, NAMES, type WholePlan } from "./comparisons.ts";
import { findHyperfine, readExport } from "./hyperfine.ts";
import { WHOLE, type WholeComparison, type WholeResult } from "./whole_result.ts";
import { shownBytes, shownTime } from "../../words/shown.ts";

interface Flags extends OutputFlags {
  readonly runs?: string;
  readonly warmup?: string;
  readonly size?: string;
  readonly mtu?: string;
}

/** Returns the exit code. */
export async function wholeAction(
  names: readonly string[],
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  for (const name of names) {
    if (!isName(name)) throw expected("<what>", `one of ${NAMES.join(", ")}`, name);
  }
  const wanted = names.length === 0 ? NAMES : names.filter(isName);
  const runs = parseInteger(flags.runs ?? "10", "--runs", 2, 1000);
  const warmup = parseInteger(flags.warmup ?? "1", "--warmup", 0, 100);
  const bytes = parseSize(flags.size ?? "256m", "--size");
  if (bytes === 0 || bytes % 512 !== 0) {
    throw expected("--size", "a multiple of 512 bytes above 0", flags.size);
  }
  const mtu = parseInteger(flags.mtu ?? "9000", "--mtu", 1500, 65_535);
  checkOutput(flags.output);
  const hyperfine = findHyperfine();
  const measuring = beginMeasuring();
  const { signal } = measuring;
  const { folder, remove } = makeScratch("whole");
  try {
    const image = join(folder, "image");
    if (wanted.some((name) => name !== "cold-start")) await writeImage(image, bytes, signal);
    const plan = { hyperfine, runs, warmup, folder, image, bytes, vblade: findProgram("vblade") };
    const { comparisons, absent } = await timeAll(wanted, plan, mtu, measuring);
    const result: WholeResult = {
      ...measuring.head(WHOLE),
      hyperfine: hyperfine.version,
      comparisons,
      absent,
    };
    publish(result, () => describeWhole(result), flags);
    return measuring.exitCode(comparisons.length === 0 ? EXIT.environment : EXIT.done);
  } finally {
    remove();
    measuring.release();
  }
}

async function timeAll(
  names: readonly (typeof NAMES)[number][],
  plan: WholePlan,
  mtu: number,
  { signal, untilCut }: Measuring,
): Promise<{ comparisons: WholeComparison[]; absent: string[] }> {
  const absent: string[] = [];
  const comparisons: WholeComparison[] = [];
  const lab = names.some((name) => name !== "cold-start") ? probeLab({ mtu }) : null;
  if (lab?.available === false) absent.push(lab.reason);
  if (plan.vblade === null && lab !== null) {
    absent.push("vblade is not installed, so there is nothing to compare our target with.");
  }
  await untilCut(async () => {
    for (const one of names.flatMap((name) => comparisonsOf(name, plan))) {
      if (one.lab && lab?.available !== true) continue;
      process.stderr.write(`${one.name}: ${one.about}\n`);
      comparisons.push(await time(one, mtu, signal));
    }
  });
  return { comparisons, absent };
}

async function time(one: Comparison, mtu: number, signal: AbortSignal): Promise<WholeComparison> {
  const shape = { mtu };
  const shell = ["sh", "-c", one.script];
  const run = await runChild(one.lab ? labCommandLine(shell, shape) : shell, {
    ...(one.lab ? { env: labEnv(shape) } : {}),
    signal,
  });
  const { code, stdout: output, stderr: words } = run;
  if (code !== 0) {
    const at = /^Benchmark \d+: (.*)$/m.exec(output.slice(output.lastIndexOf("\nBenchmark ")));
    throw failed(
      `Timing "${one.name}"${at === null ? "" : `, at "${at[1]}",`} ended with code ${code}: ${lastSentence(words) || "it said nothing"}`,
    );
  }
  return {
    name: one.name,
    about: one.about,
    bytes: one.bytes,
    timings: readExport(one.file).map((timing, at) => ({
      name: timing.command,
      command: one.commands[at]?.command.join(" ") ?? "",
      times_ns: timing.times.map((seconds) => Math.round(seconds * 1e9)),
      median_ns: Math.round(timing.median * 1e9),
      user_ns: Math.round(timing.user * 1e9),
      system_ns: Math.round(timing.system * 1e9),
    })),
  };
}

function lastSentence(words: string): string {
  const lines = words.split("\n").map((line) => line.trim());
  const error = lines.find((line) => line.startsWith("Error: "));
  // Behind its first sentence comes advice about hyperfine's own options.
  if (error !== undefined) return error.slice("Error: ".length).split(". ")[0] ?? "";
  return lines.findLast((line) => line !== "") ?? "";
}

/** Bytes that differ from block to block, so that no store can share or skip them. */
async function writeImage(path: string, bytes: number, signal: AbortSignal): Promise<void> {
  const breath = createBreath();
  const file = openSync(path, "w");
  try {
    const piece = new Uint32Array(PIECE / 4);
    for (let at = 0; at < bytes; at += PIECE) {
      await breath();
      signal.throwIfAborted();
      for (let word = 0; word < piece.length; word++) {
        piece[word] = Math.imul(at / 4 + word, 2_654_435_761);
      }
      writeSync(file, piece, 0, Math.min(PIECE, bytes - at));
    }
  } finally {
    closeSync(file);
  }
}
const PIECE = 1 << 20;

/** A line for each command, under what is timed. */
function describeWhole({ comparisons, absent, hyperfine }: WholeResult): string {
  const lines = comparisons.flatMap(({ name, about, bytes, timings }) => [
    `${name}: ${about}`,
    ...timings.map((timing) => {
      const range = `${shownTime(Math.min(...timing.times_ns))} to ${shownTime(Math.max(...timing.times_ns))}`;
      const rate = bytes === null ? "" : `, ${shownBytes((bytes * 1e9) / timing.median_ns)}/s`;
      return `  ${timing.name.padEnd(42)} ${shownTime(timing.median_ns)} (${range})${rate}`;
    }),
    "",
  ]);
  return `${[...lines, ...absent, `medians and ranges, by hyperfine ${hyperfine}`].join("\n")}\n`;
}
