// Where the figures of a run come from, fact by fact: what one must know to repeat it, or to doubt
// it.

import { shownTime } from "../../words/shown.ts";
import type { Provenance } from "../machine/provenance.ts";
import type { RunResult } from "./result.ts";

export type Facts = ReadonlyMap<string, string>;

/** A fact that is not the same on both sides. */
export interface FactApart {
  readonly fact: string;
  readonly base: string;
  readonly head: string;
}

export function factsOfRun(run: RunResult): Facts {
  const { pinning } = run;
  return new Map([
    ["started", run.started_at],
    ["took", shownTime(run.elapsed_ns)],
    ["job", run.job.file],
    ["seed", String(run.seed)],
    ["link", run.link],
    ["CPU of the target", String(pinning.target ?? "not pinned")],
    ["CPU of the load", String(pinning.load ?? "not pinned")],
    ...run.interfaces.map(({ name, mtu, offloads, coalescing }): [string, string] => [
      `interface ${name}`,
      [
        `MTU ${mtu ?? "not known"}`,
        ...Object.entries({ ...offloads, ...coalescing }).map(([key, value]) => `${key} ${value}`),
      ].join(", "),
    ]),
    ...factsOf(run.provenance),
  ]);
}

export function factsOf(one: Provenance): [string, string][] {
  const changes = one.git_dirty === true ? ", with uncommitted changes" : "";
  return [
    ["program", one.program],
    ["revision", `${one.git_revision ?? "not known"}${changes}`],
    ["Bun", one.bun],
    ["kernel", `${one.kernel} ${one.architecture}`],
    ["CPU", one.cpu],
    ["CPUs allowed", one.cpus_allowed.join(" ")],
    ["governor", one.governor ?? "not known"],
    ["machine", one.machine],
    ["user", one.user],
  ];
}

/** What the system said of CPUs, clocks and interfaces. */
function systemOf({ provenance, interfaces }: RunResult): [string, string][] {
  const of = (prefix: string, facts: Provenance["system"] = {}): [string, string][] =>
    Object.entries(facts).map(([name, { value, reason }]) => [
      `${prefix}${name.replaceAll("_", " ")}`,
      value ?? `not known: ${reason ?? "no reason"}`,
    ]);
  return [
    ...of("", provenance.system),
    ...interfaces.flatMap(({ name, state }) => of(`${name} `, state)),
  ];
}

/** What each run has of its own. */
const ALWAYS: readonly string[] = ["started", "took"];

/** What tells two runs apart. */
export function factsApart(base: RunResult, head: RunResult): FactApart[] {
  const all = (run: RunResult): Facts => new Map([...factsOfRun(run), ...systemOf(run)]);
  const [before, after] = [all(base), all(head)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((fact) => {
    const [a, b] = [before.get(fact) ?? "not told", after.get(fact) ?? "not told"];
    return a === b || ALWAYS.includes(fact) ? [] : [{ fact, base: a, head: b }];
  });
}
