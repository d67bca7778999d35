// What a pool's buffers did over the measured time: owned by commands, held by the link alone, and how
// many there were beyond the preallocated.

import { countedTrials, middleTrial } from "../../result/cell_figures.ts";
import { levelsOf, seriesOf, type SeriesBlock, type Slotted } from "../load_block.ts";
import { type LevelSlot, type Section, sectionOf } from "../report.ts";
import { tableOf } from "../figure.ts";
import {
  type ArmCell,
  allMeasured,
  NAMELESS,
  type Subject,
  sure,
  within,
} from "../../result/arm_cells.ts";
import { OF_CELL, overTrials, unsure } from "../subject.ts";
import { plural } from "../../../words/shown.ts";

/** As many are drawn; the table has all. */
const DRAWN = 8;

interface Levels {
  readonly cell: ArmCell;
  readonly series: SeriesBlock;
  readonly held: number;
  readonly owned: number;
  readonly heldPeak: number;
  readonly length: number;
}

export function levels(subject: Subject): Section {
  const section = sectionOf("levels", "Pool over time");
  const all = allMeasured(subject).flatMap((cell): Levels[] => {
    const trial = middleTrial(cell.cell.trials);
    const series = trial === null ? null : seriesOf(trial);
    const held = overTrials(cell, (one) => levelsOf(one)?.held_by_link.mean ?? null);
    const owned = overTrials(cell, (one) => levelsOf(one)?.occupancy.mean ?? null);
    if (series === null || held === null || owned === null) return [];
    const peaks = countedTrials(cell.cell.trials).flatMap(
      (one) => levelsOf(one)?.held_by_link.peak ?? [],
    );
    const length = cell.cell.median?.pool_length_peak ?? 0;
    return [{ cell, series, held, owned, heldPeak: Math.max(...peaks), length }];
  });
  const most = all.toSorted((a, b) => b.held - a.held);
  if (all.length === 0) {
    return section("The result has no samples of its pools over time.");
  }
  const name = ({ cell }: Levels): string => `${cell.arm}${within(subject, cell.setting)}`;
  const drawn = all.filter((one) => most.indexOf(one) < DRAWN);
  const told = most.find(({ cell }) => sure([cell]).length > 0);
  const finding =
    told === undefined
      ? unsure(all.map(({ cell }) => cell))
      : all.every(({ heldPeak }) => heldPeak === 0)
        ? "The link never held a buffer whose command had ended."
        : `With ${name(told)} the link holds ${told.held.toFixed(1)} buffers on average whose commands have ended, ${told.heldPeak} at most; the pool took ${plural(told.length, "extra buffer")}.`;
  return section(finding, {
    notes: [
      "Drawn is one trial, the middle one by throughput, in slots of equal length.",
      "The line is a slot's mean, the area reaches from its least to its most.",
      "The table has medians over the trials of their means, and the most of any trial.",
      ...(drawn.some(({ series }) => series.sampled)
        ? ["An older program wrote the result: it kept buffers at 200 moments and nothing between."]
        : []),
      ...(drawn.length < all.length
        ? [`Drawn are the ${DRAWN} of ${all.length} with the most held buffers.`]
        : []),
    ],
    charts: drawn.map(({ cell, series }) => ({
      kind: "levels" as const,
      caption: captionOf(cell),
      duration: series.at_ns.at(-1) ?? 0,
      series: [
        { name: "held by the link", slots: slotsOf(series.at_ns, series.held) },
        { name: "owned by commands", slots: slotsOf(series.at_ns, series.owned) },
        { name: "extra buffers", slots: slotsOf(series.at_ns, series.extra) },
      ],
    })),
    table: tableOf(all, [
      ...OF_CELL,
      ["owned, mean", "count", ({ owned }) => owned],
      ["held, mean", "count", ({ held }) => held],
      ["held, most", "count", ({ heldPeak }) => heldPeak],
      ["extra buffers, most", "count", ({ length }) => length],
    ]),
  });
}

function captionOf({ arm, setting }: ArmCell): string {
  return setting === NAMELESS ? arm : `${arm} (${setting})`;
}

/** A slot begins where the sample before was taken. */
function slotsOf(at: readonly number[], { least, mean, most }: Slotted): LevelSlot[] {
  return at.map((_, index) => ({
    from: at[index - 1] ?? 0,
    least: least[index] ?? 0,
    mean: mean[index] ?? 0,
    most: most[index] ?? 0,
  }));
}
