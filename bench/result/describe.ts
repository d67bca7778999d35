// A result in words, for a terminal.

import type { RunResult } from "./result.ts";
import { subjectOf } from "./arm_cells.ts";
import { firstScreen } from "./first_screen.ts";
import { answerLines, firstTable } from "./first_table.ts";
import { OF_TRIALS } from "./cell_figures.ts";
import { printableLines } from "../../words/printable.ts";
import { listed, plural, shownTime, rate } from "../../words/shown.ts";
import { PLAIN } from "../../words/style.ts";

/** The matrix first, the answers last: a terminal shows its last lines. */
export function describeRun(result: RunResult, width?: number, style = PLAIN): string {
  const { provenance, pinning } = result;
  const cpus = `target on CPU ${pinning.target ?? "any"}, load on CPU ${pinning.load ?? "any"}`;
  const where =
    result.hosts.length === 0
      ? `over veth, ${cpus}`
      : `of ${listed(result.hosts.map(({ name, role }) => `${name} (${role})`))}`;
  const how = {
    packet: `raw sockets ${where}`,
    ring: `raw sockets, transmitting from memory that the kernel holds, ${where}`,
    xdp: `raw sockets, transmitting from AF_XDP memory that the kernel holds, ${where}`,
    memory: "MEMORY LINK (no network: both cores in one process)",
    virtual: "the VIRTUAL CLOCK (exact, no network: only what the job names takes time)",
  }[result.link];
  const trials = result.cells.reduce((sum, cell) => sum + cell.trials.length, 0);
  const first = firstScreen(subjectOf([{ name: "run", run: result }]));
  const details = [
    OF_TRIALS,
    "headroom: buffers beyond the preallocated; dry: attempts without a buffer;",
    "kicks: retries when dry with nothing outstanding",
    ...floorLine(result),
    ...thresholdLines(result),
    "",
    ...result.findings.map((sentence) => `* ${sentence}`),
    "",
    `${plural(trials, "trial")} in ${shownTime(result.elapsed_ns)} over ${how}; seed ${result.seed}, Bun ${provenance.bun}, Linux ${provenance.kernel}, ${provenance.cpu}`,
  ];
  const lines = [
    firstTable(first, width, style),
    printableLines(details.join("\n")),
    "",
    ...answerLines(first, style),
  ];
  return `${lines.join("\n")}\n`;
}

/** The harness's floor, the least sure of them: what no target can beat here. */
function floorLine(result: RunResult): string[] {
  const floors = result.cells.flatMap(({ floor }) => {
    const p50 = floor?.lat_p50_ns ?? null;
    return floor === null || p50 === null ? [] : [{ p50, iops: floor.iops }];
  });
  const [slowest] = floors.toSorted((a, b) => b.p50 - a.p50);
  if (slowest === undefined) return [];
  return [
    `floor (a null target, the same link): p50 ${shownTime(slowest.p50)}, ${rate(slowest.iops)} IOPS`,
  ];
}

/** Each threshold with what was found, and its cell. */
function thresholdLines(result: RunResult): string[] {
  return result.cells.flatMap((cell) =>
    cell.thresholds.map(({ threshold, shown, held }) => {
      const where = Object.values(cell.axes).join("  ") || cell.job;
      return `threshold ${threshold}: ${held ? "kept" : "MISSED"}, ${shown} (${where})`;
    }),
  );
}
