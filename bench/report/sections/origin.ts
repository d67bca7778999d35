// Where the figures come from: what one must know to repeat the runs, or to doubt them.
import type { Material } from "../read_material.ts";
import { type Section, sectionOf } from "../report.ts";
import type { NamedRun } from "../../result/arm_cells.ts";
import { type Facts, factsOf, factsOfRun } from "../../result/run_facts.ts";
import { shownTime } from "../../../words/shown.ts";

export function origin(material: Material): Section {
  const { runs, wholes, reproductions } = material;
  const others = [...material.searches, ...material.peers, ...material.growths, ...material.pins];
  const section = sectionOf("origin", "Provenance");
  const one =
    runs[0]?.run.provenance ??
    wholes[0]?.provenance ??
    reproductions[0]?.provenance ??
    others[0]?.result.provenance;
  if (one === undefined) return section("The files do not say where they come from.");
  // A column: what is known of one file.
  const columns: [string, Facts][] = [
    ...runs.map((run): [string, Facts] => [nameOf(run), factsOfRun(run.run)]),
    ...wholes.map((result): [string, Facts] => [
      "whole commands",
      new Map([
        ["started", result.started_at],
        ["took", shownTime(result.elapsed_ns)],
        ["hyperfine", result.hyperfine],
        ...factsOf(result.provenance),
      ]),
    ]),
    ...reproductions.map((one): [string, Facts] => [
      "claims",
      new Map([["started", one.started_at], ...factsOf(one.provenance)]),
    ]),
    ...others.map(({ name, result }): [string, Facts] => [
      name,
      new Map([
        ...("started_at" in result ? ([["started", result.started_at]] as const) : []),
        ...factsOf(result.provenance),
      ]),
    ]),
  ];
  const names = [...new Set(columns.flatMap(([, facts]) => [...facts.keys()]))];
  const commit = one.git_revision === null ? "an unknown revision" : one.git_revision.slice(0, 12);
  const changes = one.git_dirty === true ? " with uncommitted changes" : "";
  const how = runs[0] === undefined ? "" : ` over ${LINKS[runs[0].run.link]}`;
  return section(`Measured${how} with ${one.program} at ${commit}${changes}, on ${one.cpu}.`, {
    table: {
      columns: ["fact", ...columns.map(([name]) => name)],
      rows: names.map((name) => [name, ...columns.map(([, facts]) => facts.get(name) ?? "")]),
    },
  });
}

const LINKS = {
  packet: "raw sockets",
  ring: "raw sockets, transmitting from memory that the kernel holds,",
  xdp: "raw sockets, transmitting from AF_XDP memory that the kernel holds,",
  memory: "the memory link, with no network in between,",
  virtual: "a simulated network under a virtual clock",
} as const;

function nameOf({ name, run }: NamedRun): string {
  return run.arm === "run" ? name : `${name} (${run.arm})`;
}
