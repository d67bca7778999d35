// A result in words, for a terminal.

import type { RunResult } from "./result.ts";
import { cellTable } from "./cell_table.ts";
import { OF_TRIALS } from "./cell_figures.ts";
import { printableLines } from "../../words/printable.ts";
import { listed, plural, shownTime, rate } from "../../words/shown.ts";

/** The table, the sentences, and what one must know about both. */
export function describeRun(result: RunResult, width?: number): string {
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
  const lines = [
    cellTable(result.cells, width),
    `IOPS, p50 and p99 of the latency, mean buffer wait and what the pool did while it was measured (${OF_TRIALS}):`,
    "extra buffers: the most beyond the preallocated; dry: attempts without a buffer; kicks: retries when dry with nothing outstanding",
    ...floorLine(result),
    ...thresholdLines(result),
    "",
    ...result.findings.map((sentence) => `* ${sentence}`),
    "",
    `${plural(trials, "trial")} in ${shownTime(result.elapsed_ns)} over ${how}; seed ${result.seed}, Bun ${provenance.bun}, Linux ${provenance.kernel}, ${provenance.cpu}`,
  ];
  return printableLines(`${lines.join("\n")}\n`);
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
