// What `aoe bench sim` does: runs, tells, shrinks.

import { catchInterrupt } from "../../initiator/commands/interrupted.ts";
import { createBreath } from "../../words/breath.ts";
import { EXIT, expected, usage } from "../../words/failure.ts";
import { cantRead } from "../../words/file_error.ts";
import { shownTime } from "../../words/shown.ts";
import { parseInteger } from "../../words/quantity.ts";
import { now } from "../../sys/clock.ts";
import { codeOf } from "../../bench/machine/cut_short.ts";
import { provenance } from "../../bench/machine/provenance.ts";
import { generate } from "./generate.ts";
import { goldenAction } from "./golden_action.ts";
import { minimize } from "./minimize.ts";
import { parseScenario, type Scenario } from "./scenario.ts";
import { speedScenario } from "./speed.ts";
import type { Figures } from "./figures.ts";
import { simulate, type Verdict } from "./simulate.ts";

type Flags = Readonly<Record<string, string | boolean>>;

/** After so many failures the rest would say the same. */
const MOST_FAILURES = 10;
/** How often a long run tells how far it is, ns. */
const TELL_EVERY = 5e9;
const USUAL_SEEDS = "1000";

export async function simAction(flags: Flags): Promise<number> {
  if (flags["golden"] === true) return goldenAction(flags["update"] === true);
  if (flags["update"] === true) throw usage("`--update` goes with `--golden`");
  if (flags["speed"] === true) return speed();
  const json = flags["json"] === true;
  const file = flags["scenario"];
  if (typeof file === "string") {
    const text = await Bun.file(file)
      .text()
      .catch((error: unknown) => {
        throw cantRead(`the scenario ${file}`, error);
      });
    return runs([parseScenario(text, file)], flags, json);
  }
  const range = seedsOf(flags);
  if (flags["show"] === true) {
    for (let seed = range.from; seed < range.to; seed++) print(JSON.stringify(generate(seed)));
    return EXIT.done;
  }
  return runs(scenarios(range), flags, json);
}

const ROUNDS = 5;
/** A round's runs, between which a signal is heard, and the commands of each. */
const PARTS = 10;
const COMMANDS = 20_000;

/** The first round compiles; the figure is the median of the rest, by CPU time, which others don't take from. */
async function speed(): Promise<number> {
  const rates: number[] = [];
  const breath = createBreath();
  for (let round = 0; round <= ROUNDS; round++) {
    let spent = 0;
    let commands = 0;
    let trace = "";
    for (let part = 0; part < PARTS; part++) {
      await breath();
      const before = process.cpuUsage();
      const { failure, figures, hash } = simulate(speedScenario(COMMANDS));
      const { user, system } = process.cpuUsage(before);
      if (failure !== null) throw new Error(failure.message);
      spent += user + system;
      commands += figures.commands;
      trace = hash;
    }
    const each = Math.round((commands * 1e6) / spent);
    say(`round ${round}: ${each} commands a second of CPU, trace ${trace}`);
    if (round > 0) rates.push(each);
  }
  const median = rates.sort((a, b) => a - b)[ROUNDS >> 1];
  print(`${median} simulated commands a second on one core`);
  return EXIT.done;
}

interface Range {
  readonly from: number;
  /** Not among them. */
  readonly to: number;
}

/** `--seed N`, `--seeds N` or `--seeds FROM..TO`. */
export function seedsOf(flags: Flags): Range {
  const { seed } = flags;
  if (typeof seed === "string") {
    if (flags["seeds"] !== undefined) throw usage("Expected `--seed` or `--seeds`, got both");
    const from = parseInteger(seed, "--seed", 0);
    return { from, to: from + 1 };
  }
  const text = typeof flags["seeds"] === "string" ? flags["seeds"] : USUAL_SEEDS;
  const [first = "", second, ...more] = text.split("..");
  if (more.length > 0) throw expected("--seeds", "N or FROM..TO", text);
  if (second === undefined) return { from: 0, to: parseInteger(first, "--seeds", 1) };
  const from = parseInteger(first, "--seeds, FROM", 0);
  return { from, to: parseInteger(second, "--seeds, TO", from + 1) };
}

function* scenarios({ from, to }: Range): Generator<Scenario> {
  for (let seed = from; seed < to; seed++) yield generate(seed);
}

/** Until all are through, or a signal comes: then of those that are. */
async function runs(all: Iterable<Scenario>, flags: Flags, json: boolean): Promise<number> {
  const interrupt = catchInterrupt();
  const { signal } = interrupt;
  const breath = createBreath();
  const begun = now();
  let told = begun;
  let count = 0;
  let failures = 0;
  const total = new Map<string, number>();
  for (const scenario of all) {
    await breath();
    if (signal.aborted) break;
    const verdict = simulate(scenario);
    count++;
    add(total, verdict.figures);
    if (json) print(JSON.stringify({ seed: scenario.seed, ...verdict }));
    if (verdict.failure !== null) {
      await tell(scenario, verdict, flags, signal);
      if (++failures >= MOST_FAILURES || flags["minimize"] === true) break;
    }
    const at = now();
    if (at - told >= TELL_EVERY) {
      told = at;
      say(`${count} runs, at seed ${scenario.seed}, ${rate(total, at - begun)}`);
    }
  }
  interrupt.release();
  const took = now() - begun;
  if (count > 1 || !json) {
    say(summary(count, failures, total, took));
  }
  if (signal.aborted) return codeOf(signal);
  return failures > 0 ? EXIT.failed : EXIT.done;
}

async function tell(
  scenario: Scenario,
  verdict: Verdict,
  flags: Flags,
  signal: AbortSignal,
): Promise<void> {
  const { failure } = verdict;
  if (failure === null) return;
  const { git_revision, git_dirty } = provenance();
  const revision = `${git_revision?.slice(0, 12) ?? "unknown"}${git_dirty === true ? " and changes" : ""}`;
  say(
    `seed ${scenario.seed} fails at ${shownTime(Math.round(failure.at))} of virtual time, revision ${revision}`,
  );
  say(`  ${failure.checker}: ${failure.message}`);
  if (failure.stack !== null) say(failure.stack);
  say(`  again: bun aoe.ts bench sim --seed ${scenario.seed}`);
  if (flags["minimize"] !== true) return;
  const small = await minimize(
    scenario,
    (smaller) => simulate(smaller).failure?.checker === failure.checker,
    undefined,
    signal,
  );
  const smallest = simulate(small);
  say(`  smaller: ${smallest.failure?.message ?? "passes"}`);
  say("  the scenario on stdout fails in the same way: bun aoe.ts bench sim --scenario FILE");
  if (flags["json"] !== true) print(JSON.stringify(small, null, 2));
}

function add(total: Map<string, number>, figures: Figures): void {
  for (const [key, value] of Object.entries(figures) as [string, number][]) {
    total.set(key, (total.get(key) ?? 0) + value);
  }
}

function rate(total: Map<string, number>, took: number): string {
  const commands = total.get("commands") ?? 0;
  return `${commands} commands, ${Math.round((commands * 1e9) / took)} a second`;
}

/** One paragraph: what was run, how fast, and how often what the rules are about has happened. */
export function summary(
  count: number,
  failures: number,
  total: Map<string, number>,
  took: number,
): string {
  const figures = [...total]
    .filter(([key]) => key !== "commands" && key !== "virtual_ns")
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");
  const virtual = shownTime(total.get("virtual_ns") ?? 0);
  return `${count} runs, ${failures} failed, in ${(took / 1e9).toFixed(1)} s (${virtual} of virtual time): ${rate(total, took)}\n  ${figures}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
