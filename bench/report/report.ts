// What a report says, before anybody draws it: plain JSON, made once, for HTML, Markdown and SVG alike.
//
//   result files ─▶ Subject (subject.ts) ─▶ sections/*.ts ─▶ Report ─┬─▶ html.ts ─▶ page/ ─▶ draw/
//                                                                    ├─▶ svg.ts  ─▶ draw/
//                                                                    └─▶ markdown.ts
//
// Every figure that stands in a chart stands in its section's table too. Texts may come from a result
// file, and so from anybody: they are texts here and become text nodes there, never markup.

import type { Spread } from "../result/arm_cells.ts";
import type { Answer } from "../result/first_screen.ts";

/** What an axis counts, and so how its ticks are written. Times are ns. */
export interface Axis {
  readonly label: string;
  readonly unit: "time" | "count" | "bytes" | "share";
  readonly log: boolean;
  /** Values that the axis must reach, so that charts side by side have one scale; [] leaves it to the chart. */
  readonly reach: readonly number[];
  /** It need not begin at 0. */
  readonly tight?: true;
}

/** A word that a judge has for what it found. */
export type Word =
  "holds" | "does not hold" | "inconclusive" | "better" | "worse" | "same" | "changed" | "broken";

/** A colour that means something, wherever it stands; red is `bad` and nothing else. */
export type Tone = "good" | "bad" | "soft";

export const TONES: Readonly<Record<Word, Tone>> = {
  holds: "good",
  better: "good",
  "does not hold": "bad",
  worse: "bad",
  broken: "bad",
  same: "soft",
  changed: "soft",
  inconclusive: "soft",
};

/** A place in the palette (draw/palette.ts), the same for an arm in every chart; or a judge's. */
export type Colour = number | Tone;

export interface IntervalRow {
  readonly label: string;
  readonly colour: Colour;
  /** One or two a row; the second is drawn hollow. */
  readonly spreads: readonly Spread[];
  /** From where to where is noise. */
  readonly band?: readonly [number, number];
}

export interface IntervalChart {
  readonly kind: "intervals";
  readonly caption: string;
  readonly axis: Axis;
  /** What the first and the second spread of a row are; one name where rows have one. */
  readonly names: readonly string[];
  readonly rows: readonly IntervalRow[];
  /** A value that every row is to be seen against; null: none is known. */
  readonly reference: { readonly name: string; readonly value: number } | null;
}

export interface Curve {
  readonly label: string;
  readonly colour: Colour;
  readonly dash: number;
  /** [percentile 0 … 100, value]. */
  readonly points: readonly (readonly [number, number])[];
}

export interface PercentileChart {
  readonly kind: "percentiles";
  readonly caption: string;
  readonly axis: Axis;
  readonly curves: readonly Curve[];
}

export interface SplitRow {
  readonly label: string;
  readonly values: readonly number[];
  /** The mean that they split; null: not known. */
  readonly mean: number | null;
}

export interface SplitChart {
  readonly kind: "split";
  readonly caption: string;
  readonly axis: Axis;
  readonly parts: readonly string[];
  readonly rows: readonly SplitRow[];
}

export interface KneeLine {
  readonly label: string;
  readonly colour: Colour;
  readonly dash: number;
  readonly points: readonly (Spread & { readonly x: number })[];
  /** null: the best is only reached at the largest. */
  readonly knee: number | null;
}

export interface KneeChart {
  readonly kind: "knee";
  readonly caption: string;
  readonly x: Axis;
  readonly axis: Axis;
  readonly lines: readonly KneeLine[];
}

export interface LevelSlot {
  readonly from: number;
  readonly least: number;
  readonly mean: number;
  readonly most: number;
}

export interface LevelChart {
  readonly kind: "levels";
  readonly caption: string;
  /** ns. */
  readonly duration: number;
  readonly series: readonly {
    readonly name: string;
    /** What the level was from `from` (ns) to that of the next, or to the end. */
    readonly slots: readonly LevelSlot[];
  }[];
}

export interface StallChart {
  readonly kind: "stalls";
  readonly caption: string;
  /** ns. */
  readonly duration: number;
  readonly rows: readonly {
    readonly label: string;
    readonly colour: Colour;
    /** [begin, duration], ns. */
    readonly stalls: readonly (readonly [number, number])[];
  }[];
}

export type Chart =
  IntervalChart | PercentileChart | SplitChart | KneeChart | LevelChart | StallChart;

/** A text, or a figure as it is shown with what the result file has. */
export type TableCell = string | { readonly shown: string; readonly value: number };

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly TableCell[])[];
}

/** Whether figures stand in a column. */
export function isNumber({ rows }: Table, column: number): boolean {
  return rows.some((row) => typeof row[column] === "object");
}

export interface Verdict {
  readonly id: string;
  readonly verdict: Word;
  readonly claim: string;
  readonly sentence: string;
  /** How anyone can measure it again. */
  readonly how: string;
  /** Every figure looked at. */
  readonly table: Table | null;
}

export interface Section {
  readonly id: string;
  /** What it is about, in a word or three. */
  readonly topic: string;
  /** A sentence: what was found. Where there is nothing to draw: why. */
  readonly finding: string;
  /** How to read it, and what to mind. */
  readonly notes: readonly string[];
  readonly charts: readonly Chart[];
  readonly verdicts: readonly Verdict[];
  readonly table: Table | null;
  /** Of a section that judges: it stands on top. null: it does not. */
  readonly verdict: Word | null;
}

/** One cell of a setting and an arm, in short. */
export interface MatrixCell {
  readonly iops: TableCell;
  /** Of the throughput; empty: one trial. */
  readonly interval: string;
  readonly facts: readonly string[];
  /** Or why it is not trusted. */
  readonly trust: string;
  readonly trusted: boolean;
}

export interface Matrix {
  /** What the rows are. */
  readonly corner: string;
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  readonly cells: readonly (readonly MatrixCell[])[];
}

export interface Report {
  readonly title: string;
  readonly subtitle: string;
  /** The first screen. */
  readonly matrices: readonly Matrix[];
  readonly answers: readonly Answer[];
  readonly warnings: readonly string[];
  readonly findings: readonly string[];
  readonly sections: readonly Section[];
}

/** Whether there is nothing below its heading. */
export function isEmpty({ charts, table, verdict, verdicts }: Section): boolean {
  return charts.length === 0 && verdicts.length === 0 && table === null && verdict === null;
}

/** Makes a section: of nothing but its words, or with what is given. */
export function sectionOf(id: string, topic: string) {
  return (
    finding: string,
    rest: Partial<Pick<Section, "notes" | "charts" | "verdicts" | "table">> = {},
  ): Section => ({
    id,
    topic,
    finding,
    notes: [],
    charts: [],
    verdicts: [],
    table: null,
    verdict: null,
    ...rest,
  });
}
