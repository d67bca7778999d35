// Where a command's time goes, by mean: waiting to be submitted, held back for a late copy of a write before it, for
// the window, for a buffer, for room on the link, and for the target. The buffer's part is the pool's doing.

import { PARTS, splitOf } from "../load_block.ts";
import { type Section, sectionOf } from "../report.ts";
import { type Column, tableOf } from "../figure.ts";
import {
  type ArmCell,
  allMeasured,
  settingsOf,
  type Subject,
  sure,
  within,
} from "../../result/arm_cells.ts";
import { OF_CELL, overTrials, unsure } from "../subject.ts";
import { shownShare, shownTime } from "../../../words/shown.ts";

const BUFFER = PARTS.indexOf("buffer");
/** Less than this of the latency is called nothing. */
const NOTHING = 0.01;

interface Parted {
  readonly cell: ArmCell;
  readonly values: readonly number[];
  readonly buffer: number;
  readonly share: number;
}

export function split(subject: Subject): Section {
  const section = sectionOf("split", "Where the time goes");
  const parted = allMeasured(subject).flatMap((cell): Parted[] => {
    const values = PARTS.flatMap(
      (_, part) => overTrials(cell, (trial) => splitOf(trial)?.[part] ?? null) ?? [],
    );
    if (values.length < PARTS.length) return [];
    const whole = values.reduce((sum, value) => sum + value, 0);
    const buffer = values[BUFFER] ?? 0;
    return [{ cell, values, buffer, share: whole === 0 ? 0 : buffer / whole }];
  });
  if (parted.length === 0) return section("The result does not split its latencies.");
  return section(finding(subject, parted), {
    notes: [
      "From when a command was due until it ended. Each part is the median over the trials of its mean in each, and so is the mean latency. In a single trial the parts add up to it.",
    ],
    charts: settingsOf(parted.map(({ cell }) => cell)).map((setting) => ({
      kind: "split" as const,
      caption: setting,
      axis: { label: "mean latency", unit: "time", log: false, reach: [] },
      parts: PARTS,
      rows: parted
        .filter(({ cell }) => cell.setting === setting)
        .map(({ cell, values }) => ({ label: cell.arm, values, mean: meanOf(cell) })),
    })),
    table: tableOf(parted, [
      ...OF_CELL,
      ["mean latency", "time", ({ cell }) => meanOf(cell)],
      ...PARTS.map((name, at): Column<Parted> => [
        name,
        "time",
        ({ values }) => values[at] ?? null,
      ]),
      ["buffer's share", "share", ({ share }) => share],
    ]),
  });
}

/** The arm that waits most, with what was measured of it; ranking it is nobody's claim. */
function finding(subject: Subject, parted: readonly Parted[]): string {
  const known = parted.filter(({ cell }) => sure([cell]).length > 0);
  const [most] = known.toSorted((a, b) => b.share - a.share);
  if (most === undefined) return unsure(parted.map(({ cell }) => cell));
  if (most.share < NOTHING) {
    const arm = known.length < parted.length ? "undisturbed arm" : "arm";
    return `No ${arm} waits for a buffer for more than 1 % of its latency.`;
  }
  const name = `${most.cell.arm}${within(subject, most.cell.setting)}`;
  const times = `${shownTime(most.buffer)} of a mean of ${shownTime(meanOf(most.cell))}`;
  return `${name} spends ${shownShare(most.share)} of its latency waiting for a buffer: ${times}.`;
}

function meanOf({ cell }: ArmCell): number | null {
  return cell.median?.lat_mean_ns ?? null;
}
