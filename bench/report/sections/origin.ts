// Where the figures come from: what one must know to repeat the runs, or to doubt them.

import type { NamedRun } from "../subject.ts";
import { type Section, section, type TableCell } from "../report.ts";
import { shownTime } from "../shown.ts";

export function origin(runs: readonly NamedRun[]): Section {
  const [first] = runs;
  if (first === undefined) throw new Error("invariant: a report is about something");
  const { provenance: one, link } = first.run;
  const how =
    link === "packet"
      ? "raw sockets"
      : link === "memory"
        ? "the memory link, with no network in between"
        : "a simulated network under a virtual clock";
  const commit = one.git_revision === null ? "an unknown revision" : one.git_revision.slice(0, 12);
  return section(
    "origin",
    "Provenance",
    `Measured over ${how} with ${one.program} at ${commit}${one.git_dirty === true ? " and uncommitted changes" : ""}, on ${one.cpu}.`,
    {
      table: {
        columns: [
          "",
          ...runs.map(({ name, run }) => (run.arm === "run" ? name : `${name} (${run.arm})`)),
        ],
        rows: ROWS.map(([name, of]) => [name, ...runs.map((run): TableCell => of(run))]),
      },
    },
  );
}

const none = (text: string | null): string => text ?? "not known";

const ROWS: readonly (readonly [string, (run: NamedRun) => string])[] = [
  ["started", ({ run }) => run.started_at],
  ["took", ({ run }) => shownTime(run.elapsed_ns)],
  ["job", ({ run }) => run.job.file],
  ["seed", ({ run }) => String(run.seed)],
  ["link", ({ run }) => run.link],
  [
    "CPUs of target and load",
    ({ run }) => `${run.pinning.target ?? "not pinned"}, ${run.pinning.load ?? "not pinned"}`,
  ],
  ["program", ({ run }) => run.provenance.program],
  [
    "revision",
    ({ run }) =>
      none(run.provenance.git_revision) +
      (run.provenance.git_dirty === true ? ", with uncommitted changes" : ""),
  ],
  ["Bun", ({ run }) => run.provenance.bun],
  ["kernel", ({ run }) => `${run.provenance.kernel} ${run.provenance.architecture}`],
  ["CPU", ({ run }) => run.provenance.cpu],
  ["CPUs allowed", ({ run }) => run.provenance.cpus_allowed.join(" ")],
  ["governor", ({ run }) => none(run.provenance.governor)],
  ["user", ({ run }) => run.provenance.user],
  ["schema version", ({ run }) => String(run.schema_version)],
];
