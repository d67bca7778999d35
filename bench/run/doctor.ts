// `aoe bench doctor`: what on this machine would spoil figures and how to mend it, and what can't
// be measured here.
//
//   good      nothing to do           unknown   can't be read: the reason stands in its place
//   spoils    figures are less sure   absent    something can't be measured

import { loadavg } from "node:os";
import { probeLab } from "../../lab/lab.ts";
import { findProgram } from "../../lab/programs.ts";
import { allowedCpus } from "../../sys/affinity.ts";
import { EXIT } from "../../words/failure.ts";
import { plural, shownShare } from "../../words/shown.ts";
import { formatRecords } from "../../words/table.ts";
import { cpuTicks } from "../machine/cpu_ticks.ts";
import { type Fact, type Facts, systemFacts } from "../machine/system_facts.ts";
import { publish, type OutputFlags } from "../machine/output.ts";
import { provenance } from "../machine/provenance.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import { DISTURBED } from "./judge_trial.ts";

export interface Check {
  readonly check: string;
  readonly state: "good" | "spoils" | "absent" | "unknown";
  readonly found: string;
  /** "": nothing to do. */
  readonly remedy: string;
}

/** Above this share of all time since boot, the machine's CPUs are not its own. */
const STOLEN = 0.005;

/** What the checks look at. */
export interface Seen {
  readonly system: Facts;
  readonly cpus: number;
  /** Processes that ran or waited for a CPU, over the last minute. */
  readonly load: number;
  /** Share of all CPU time since boot. */
  readonly stolen: number;
  /** Why labs can't be made; null: they can. */
  readonly lab: string | null;
  readonly late: string | null;
  has(program: string): boolean;
}

export function checksOf(seen: Seen): Check[] {
  return [...ofTheMachine(seen), ...ofItsUse(seen)];
}

function ofTheMachine({ system }: Seen): Check[] {
  return [
    byFact(
      "governor",
      system["governor"],
      ["performance"],
      "cpupower frequency-set -g performance",
    ),
    byFact(
      "turbo",
      system["turbo"],
      ["off"],
      "in /sys/devices/system/cpu: echo 1 > intel_pstate/no_turbo, or echo 0 > cpufreq/boost",
    ),
    byFact("SMT", system["smt"], ["0"], "echo off > /sys/devices/system/cpu/smt/control"),
    byFact(
      "clock source",
      system["clock_source"],
      ["tsc", "kvm-clock", "arch_sys_counter"],
      "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource",
    ),
    byFact(
      "hypervisor",
      system["hypervisor"],
      ["none"],
      "measure on hardware, or look at steal_ns of each trial",
    ),
  ];
}

function ofItsUse({ cpus, load, stolen, lab, late, has }: Seen): Check[] {
  return [
    judged(
      "steal",
      stolen <= STOLEN,
      "spoils",
      `${shownShare(stolen)} of CPU time since boot`,
      "give the machine CPUs of its own",
    ),
    judged(
      "other processes",
      load / cpus <= DISTURBED,
      "spoils",
      `load ${load.toFixed(2)} on ${plural(cpus, "CPU")}`,
      "stop them: trials beside them count as disturbed",
    ),
    judged(
      "CPUs",
      cpus >= 2,
      "spoils",
      plural(cpus, "CPU"),
      "allow two: target and load share one, and nothing is pinned",
    ),
    judged(
      "labs",
      lab === null,
      "absent",
      lab ?? "can be made",
      "raw sockets need user and network namespaces; link=memory and link=virtual work without",
    ),
    judged(
      "late labs",
      late === null,
      "absent",
      late ?? "can be made",
      "`late` needs tbf, clsact, u32 and mirred in the kernel",
    ),
    ...Object.entries(PROGRAMS).map(([name, use]) =>
      judged(
        name,
        has(name),
        "absent",
        has(name) ? "is there" : "is not in PATH",
        `install it for ${use}`,
      ),
    ),
  ];
}

const PROGRAMS = {
  git: "ab, history and bisect",
  ethtool: "what a result says of interfaces, and tx_usecs and tx_frames",
  hyperfine: "bench whole",
  perf: "profiles",
};

function judged(
  check: string,
  good: boolean,
  otherwise: "spoils" | "absent",
  found: string,
  remedy: string,
): Check {
  return good
    ? { check, state: "good", found, remedy: "" }
    : { check, state: otherwise, found, remedy };
}

function byFact(
  check: string,
  fact: Fact | undefined,
  good: readonly string[],
  remedy: string,
): Check {
  const { value = null, reason = "not asked" } = fact ?? {};
  if (value === null) return { check, state: "unknown", found: reason ?? "", remedy: "" };
  return judged(check, good.includes(value), "spoils", value, remedy);
}

/** 5: no lab, so nothing over raw sockets; 4: something else is to be mended. */
export function exitCodeFor(checks: readonly Check[]): number {
  const states = new Map(checks.map(({ check, state }) => [check, state]));
  if (states.get("labs") === "absent") return EXIT.environment;
  const bad = checks.some(({ state }) => state === "spoils" || state === "absent");
  return bad ? EXIT.inconclusive : EXIT.done;
}

/** Returns the exit code. */
export function doctor(flags: OutputFlags): number {
  const cpus = allowedCpus();
  const { steal, all } = cpuTicks(cpus);
  const reasonOf = (late: boolean): string | null => {
    const lab = probeLab({ late });
    return lab.available ? null : lab.reason;
  };
  const checks = checksOf({
    system: systemFacts(),
    cpus: cpus.length,
    load: loadavg()[0] ?? 0,
    stolen: all === 0 ? 0 : steal / all,
    lab: reasonOf(false),
    late: reasonOf(true),
    has: (program) => findProgram(program) !== null,
  });
  const result = {
    schema_version: SCHEMA_VERSION,
    kind: "aoe bench doctor",
    checks,
    provenance: provenance(),
  };
  publish(result, (width) => describe(checks, width), flags);
  return exitCodeFor(checks);
}

function describe(checks: readonly Check[], width: number): string {
  const count = (state: Check["state"]): number =>
    checks.filter((check) => check.state === state).length;
  const rows = checks.map(({ check, state, found, remedy }) => ({ check, state, found, remedy }));
  const [spoils, absent] = [count("spoils"), count("absent")];
  const sentence =
    spoils + absent === 0
      ? "Nothing here spoils figures."
      : `${plural(spoils, "check")} would spoil figures, ${absent} can't be measured here.`;
  return `${formatRecords(rows, width)}${sentence}\n`;
}
