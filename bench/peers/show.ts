// What a person sees of a result: a table of each part, the geometric means, the idle targets, the bars.

import { formatDuration, formatSize } from "../../words/quantity.ts";
import { shownTime } from "../../words/shown.ts";
import { median } from "../../statistics/quantile.ts";
import { barRows } from "../result/bar.ts";
import type { Block, Shown } from "../result/blocks.ts";
import { atLeast } from "./load_limit.ts";
import type { CellSummary, PeersResult } from "./result.ts";

export function showPeers(result: PeersResult): Shown {
  const blocks = [
    part("IOPS, and ours over each other's with its interval", result.cells, iopsRow),
    part("p99, and ours over each other's", result.cells, p99Row),
    part("Target CPU time of a command, and ours over each other's", result.cells, cpuRow),
    part("IOPS at depth 1 without a spin, target and load on one CPU", result.one_cpu, iopsRow),
    part("IOPS of the load generators against the ring limit", result.loads, iopsRow),
    part("CPU time of a command in them", result.loads, loadRow),
    { title: "Geometric means of the ratios", rows: meanRows(result) },
    { title: "Idle targets", rows: idleRows(result) },
    { title: "Bars", rows: barRows(result.bars) },
  ].filter(({ rows }) => rows.length > 0);
  return { blocks, sentences: [...result.absent, ...waysOf(result), footer(result)] };
}

/** Without the shares, which differ from trial to trial. */
function wayOf(end: string, ways: readonly (string | null | undefined)[]): string[] {
  const told = ways.flatMap((way) => way?.replaceAll(/ \d+ %/g, "") ?? []);
  const counts = [...Map.groupBy(told, (way) => way)]
    .toSorted(([, one], [, other]) => other.length - one.length)
    .map(([way, all]) => `${way} (${all.length} of ${told.length} trials)`);
  return counts.length === 0 ? [] : [`Frames of ${end} left by: ${counts.join("; ")}`];
}

function waysOf({ cells, trials }: PeersResult): string[] {
  const limited = cells.some(({ arms }) => arms.some((arm) => arm.by_load));
  return [
    ...wayOf(
      "our target",
      trials.map(({ figures }) => figures?.target_way),
    ),
    ...wayOf(
      "the loads",
      trials.map(({ figures }) => figures?.load_way),
    ),
    ...(limited
      ? ["≥: the load was the limit, not the target; such a cell counts in no mean and for no bar"]
      : []),
  ];
}

function footer({ provenance, setting, seeds, trials }: PeersResult): string {
  const failures = trials.filter(({ failure }) => failure !== null).length;
  const disturbed = trials.filter((trial) => trial.disturbed).length;
  const rounds = new Set(trials.map(({ round }) => round)).size;
  return `${trials.length} trials${failures === 0 ? "" : `, ${failures} of which failed`}${disturbed === 0 ? "" : `, ${disturbed} disturbed by others`}, medians over rounds (${rounds} at most) of ${formatDuration(setting.runtime_ns)} in turn; target on CPU ${setting.target_cpu ?? "any"}, load on CPU ${setting.load_cpu ?? "any"}, MTU ${setting.mtu}, image of ${formatSize(setting.image_bytes)} ${setting.image_in_memory ? "in memory" : "in the page cache"}; ${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}, Bun ${provenance.bun}, Linux ${provenance.kernel}, ${provenance.cpu}`;
}

type Row = (cell: CellSummary) => Record<string, string>;

function part(title: string, cells: readonly CellSummary[], of: Row): Block {
  return { title, rows: cells.map((cell) => ({ ...where(cell), ...of(cell) })) };
}

function where({ bs, iodepth, rw }: CellSummary): Record<string, string> {
  return { bs: formatSize(bs), depth: String(iodepth), rw };
}

function row(
  cell: CellSummary,
  value: (arm: CellSummary["arms"][number]) => string,
  ratio: (one: CellSummary["ratios"][number]) => string,
): Record<string, string> {
  return Object.fromEntries(
    cell.arms.map((arm) => {
      const beside = cell.ratios.find((one) => one.arm === arm.arm);
      return [arm.arm, beside === undefined ? value(arm) : `${value(arm)} ${ratio(beside)}`];
    }),
  );
}

function times(ratio: number): string {
  return `×${ratio.toFixed(2)}`;
}

function interval({ n, median, low, high }: CellSummary["ratios"][number]["iops"]): string {
  return n < 2 ? times(median) : `${times(median)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

const iopsRow: Row = (cell) =>
  row(
    cell,
    ({ iops, by_load }) => atLeast(by_load, iops.median),
    ({ iops }) => interval(iops),
  );
const p99Row: Row = (cell) =>
  row(
    cell,
    ({ lat_p99_ns }) => formatDuration(lat_p99_ns.median),
    ({ lat_p99 }) => times(lat_p99.median),
  );
const cpuRow: Row = (cell) =>
  row(
    cell,
    ({ target_cpu_per_command_ns: cpu }) => (cpu === null ? "?" : shownTime(cpu.median)),
    ({ target_cpu }) => (target_cpu === null ? "" : times(target_cpu.median)),
  );
const loadRow: Row = (cell) =>
  row(
    cell,
    ({ load_cpu_per_command_ns: cpu }) => shownTime(cpu.median),
    ({ load_cpu }) => times(load_cpu.median),
  );

const two = (ratio: number | null): string => (ratio === null ? "?" : ratio.toFixed(2));

function meanRows({ means }: PeersResult): Record<string, string>[] {
  return means.map((mean) => ({
    part: mean.part,
    "ours over": mean.arm,
    depth: mean.iodepths.join(", "),
    cells: String(mean.cells),
    IOPS: two(mean.iops),
    p99: two(mean.lat_p99),
    "target CPU": two(mean.target_cpu),
    "load CPU": two(mean.load_cpu),
  }));
}

function idleRows({ idle }: PeersResult): Record<string, string>[] {
  const middle = (values: readonly (number | null)[]): number | null => {
    const known = values.flatMap((value) => value ?? []);
    return known.length === 0 ? null : median(known);
  };
  return idle.map(({ arm, start_ns, idle_cpu_share, resident_bytes }) => {
    const [start, share, bytes] = [start_ns, idle_cpu_share, resident_bytes].map(middle);
    return {
      target: arm,
      start: start == null ? "?" : shownTime(start),
      "idle CPU": share == null ? "?" : `${(100 * share).toFixed(2)} %`,
      memory: bytes == null ? "?" : `${(bytes / 2 ** 20).toFixed(1)} MiB`,
    };
  });
}
