// What a person sees of a result: a table of each part, the geometric means, and the bars.

import { formatDuration, formatSize } from "../../words/quantity.ts";
import { rate } from "../findings.ts";
import { shownTime } from "../report/shown.ts";
import { plainTable } from "../table.ts";
import type { CellSummary, PeersResult } from "./peers_result.ts";

export function describePeers(result: PeersResult): string {
  const { provenance, setting } = result;
  const failures = result.trials.filter(({ failure }) => failure !== null).length;
  const blocks = [
    ...part("IOPS, and ours over each other's", result.cells, iopsRow),
    ...part("p99, and ours over each other's", result.cells, p99Row),
    ...part("target CPU time of a command, and ours over each other's", result.cells, cpuRow),
    ...part("depth 1, target and load on one CPU, neither spinning: IOPS", result.one_cpu, iopsRow),
    ...part(
      "CPU time of a command in the load generator, against the ring limit",
      result.loads,
      loadRow,
    ),
    ...means(result),
    ...idle(result),
    ...bars(result),
    ...result.absent,
    `${result.trials.length} trials${failures === 0 ? "" : `, ${failures} of which failed`}, medians of ${setting.rounds} rounds of ${formatDuration(setting.runtime_ns)} in turn; target on CPU ${setting.target_cpu ?? "any"}, load on CPU ${setting.load_cpu ?? "any"}, MTU ${setting.mtu}, image ${formatSize(setting.image_bytes)}; seed ${result.seed}, Bun ${provenance.bun}, Linux ${provenance.kernel}, ${provenance.cpu}`,
  ];
  return `${blocks.join("\n")}\n`;
}

type Row = (cell: CellSummary) => Record<string, string>;

function part(title: string, cells: readonly CellSummary[], row: Row): string[] {
  if (cells.length === 0) return [];
  const rows = cells.map((cell) => ({ ...where(cell), ...row(cell) }));
  return [title, plainTable(rows), ""];
}

function where({ bs, iodepth, rw }: CellSummary): Record<string, string> {
  return { bs: formatSize(bs), depth: String(iodepth), rw };
}

function row(
  cell: CellSummary,
  value: (arm: CellSummary["arms"][number]) => string,
  ratio: (one: CellSummary["ratios"][number]) => number | null,
): Record<string, string> {
  return Object.fromEntries(
    cell.arms.map((arm) => {
      const beside = cell.ratios.find((one) => one.arm === arm.arm);
      const over = beside === undefined ? null : ratio(beside);
      return [arm.arm, over === null ? value(arm) : `${value(arm)}  ×${over.toFixed(2)}`];
    }),
  );
}

const iopsRow: Row = (cell) =>
  row(
    cell,
    ({ iops }) => rate(iops.median),
    ({ iops }) => iops.median,
  );
const p99Row: Row = (cell) =>
  row(
    cell,
    ({ lat_p99_ns }) => formatDuration(lat_p99_ns.median),
    ({ lat_p99 }) => lat_p99.median,
  );
const cpuRow: Row = (cell) =>
  row(
    cell,
    ({ target_cpu_per_command_ns: cpu }) => (cpu === null ? "?" : shownTime(cpu.median)),
    ({ target_cpu }) => target_cpu?.median ?? null,
  );
const loadRow: Row = (cell) =>
  row(
    cell,
    ({ load_cpu_per_command_ns: cpu }) => shownTime(cpu.median),
    ({ load_cpu }) => load_cpu.median,
  );

const two = (ratio: number | null): string => (ratio === null ? "?" : ratio.toFixed(2));

function means({ means: list }: PeersResult): string[] {
  if (list.length === 0) return [];
  const rows = list.map((mean) => ({
    part: mean.part,
    "ours over": mean.arm,
    depth: mean.iodepths.join(", "),
    cells: String(mean.cells),
    IOPS: two(mean.iops),
    p99: two(mean.lat_p99),
    "target CPU": two(mean.target_cpu),
    "load CPU": two(mean.load_cpu),
  }));
  return ["geometric means of the ratios", plainTable(rows), ""];
}

function idle({ idle: list }: PeersResult): string[] {
  if (list.length === 0) return [];
  const middle = (values: readonly (number | null)[]): number | null =>
    values.flatMap((value) => value ?? []).toSorted((a, b) => a - b)[
      Math.floor((values.length - 1) / 2)
    ] ?? null;
  const rows = list.map(({ arm, start_ns, idle_cpu_share, resident_bytes }) => {
    const [start, share, bytes] = [start_ns, idle_cpu_share, resident_bytes].map(middle);
    return {
      target: arm,
      start: start == null ? "?" : shownTime(start),
      "idle CPU": share == null ? "?" : `${(100 * share).toFixed(2)} %`,
      memory: bytes == null ? "?" : `${(bytes / 2 ** 20).toFixed(1)} MiB`,
    };
  });
  return ["idle targets", plainTable(rows), ""];
}

function bars({ bars: list }: PeersResult): string[] {
  const rows = list.map(({ what, bar, found, met }) => ({
    bar: what,
    asked: bar,
    found: found ?? "not measured",
    "": met === null ? "" : met ? "met" : "NOT MET",
  }));
  return [plainTable(rows), ""];
}
