// When a pool stood still: dry, with nothing outstanding whose answer could wake it, until its kick.

import { middleTrial } from "../../result/cell_figures.ts";
import { stallsOf } from "../load_block.ts";
import { type Section, sectionOf } from "../report.ts";
import { tableOf } from "../figure.ts";
import {
  type ArmCell,
  allMeasured,
  NAMELESS,
  settingsOf,
  type Subject,
  sure,
  within,
} from "../../result/arm_cells.ts";
import { OF_CELL, overTrials, unsure } from "../subject.ts";
import { plural, shownCount, shownShare } from "../../../words/shown.ts";

interface Stalled {
  readonly cell: ArmCell;
  /** Of one trial. */
  readonly drawn: readonly (readonly [number, number])[];
  /** Some of it are not in the file. */
  readonly cut: boolean;
  readonly count: number;
  readonly total: number;
  readonly runtime: number;
}

export function stalls(subject: Subject): Section {
  const section = sectionOf("stalls", "Stalls");
  const known = allMeasured(subject).flatMap((cell): Stalled[] => {
    const trial = middleTrial(cell.cell.trials);
    const block = trial === null ? null : stallsOf(trial);
    const count = overTrials(cell, (one) => stallsOf(one)?.stall_count ?? null);
    const figures = cell.cell.median;
    if (block === null || count === null || figures === null) return [];
    const { kick_stall_ns: total, runtime_ns: runtime } = figures;
    return [
      {
        cell,
        drawn: block.stalls_ns,
        cut: block.stalls_ns.length < block.stall_count,
        count,
        total,
        runtime,
      },
    ];
  });
  if (known.length === 0) {
    return section("The result does not say when its pools stood still.");
  }
  const stalled = known.filter(({ count }) => count > 0);
  if (stalled.length === 0) {
    return section(
      `No pool stood still: none of ${plural(known.length, "cell")} had to wait for a kick.`,
    );
  }
  const missing = stalled.some(({ cut }) => cut);
  return section(finding(subject, known, stalled), {
    notes: [
      "A bar reaches from when the pool had no buffer and no answer on its way to the kick that made it try again. The link may have released buffers long before, but the pool does not learn of it. The chart has the trial with the median throughput; the table has medians over the trials.",
      ...(missing ? ["Where a trial had very many stalls only the first of them are drawn."] : []),
    ],
    charts: settingsOf(stalled.map(({ cell }) => cell)).map((setting) => {
      const rows = stalled.filter(({ cell }) => cell.setting === setting);
      return {
        kind: "stalls" as const,
        caption: setting === NAMELESS ? "" : setting,
        duration: Math.max(...rows.map(({ runtime }) => runtime)),
        rows: rows.map(({ cell, drawn }) => ({
          label: cell.arm,
          colour: cell.colour,
          stalls: apart(drawn),
        })),
      };
    }),
    table: tableOf(known, [
      ...OF_CELL,
      ["stalls", "count", ({ count }) => count],
      ["stalled", "time", ({ total }) => total],
      ["share of the time", "share", share],
    ]),
  });
}

/** One that began before the measured time stands at its begin with its whole duration: the next ends it. */
function apart(stalls: Stalled["drawn"]): (readonly [number, number])[] {
  return stalls.map(([begin, duration], at) => {
    const next = stalls[at + 1]?.[0] ?? Number.POSITIVE_INFINITY;
    return [begin, Math.min(duration, Math.max(0, next - begin))] as const;
  });
}

/** A stall that began before the measured time may be longer than it. */
function share({ total, runtime }: Stalled): number {
  return runtime === 0 ? 0 : Math.min(1, total / runtime);
}

/** The cell that stands still longest, with what was measured of it. */
function finding(subject: Subject, known: readonly Stalled[], stalled: readonly Stalled[]): string {
  const longest = stalled
    .filter(({ cell }) => sure([cell]).length > 0)
    .toSorted((a, b) => share(b) - share(a))[0];
  if (longest === undefined) return unsure(stalled.map(({ cell }) => cell));
  const others =
    stalled.length === known.length
      ? "no cell is without"
      : `${shownCount(known.length - stalled.length)} of ${plural(known.length, "cell")} never do`;
  return `${longest.cell.arm}${within(subject, longest.cell.setting)} stands still for ${shownShare(share(longest))} of the time, in ${plural(longest.count, "stall")}; ${others}.`;
}
