// The first screen on a terminal: under each setting a row for each arm, and the answers.

import { printable } from "../../words/printable.ts";
import { shownCount, shownTime, rate } from "../../words/shown.ts";
import { PLAIN, type Style } from "../../words/style.ts";
import { type Column, formatTable, type Row } from "../../words/table.ts";
import type { Figures } from "../load/figures.ts";
import { NAMELESS } from "./arm_cells.ts";
import {
  type Entry,
  type FirstScreen,
  headroomText,
  intervalText,
  trustText,
} from "./first_screen.ts";

/** As much of a name or a reason is kept in a line. */
const LONG = 30;

const of =
  (show: (figures: Figures) => string) =>
  ({ figures }: Entry): string =>
    figures === null ? "" : show(figures);

/** What a narrow terminal can spare goes, the highest first: the result and its JSON have it. */
function columnsOf(style: Style): readonly (Column & { of(entry: Entry): string })[] {
  const paint = (line: string, whole: string): string =>
    style(whole.startsWith("no") ? "red" : "green", line);
  return [
    { name: "arm", of: ({ arm }) => arm },
    { name: "IOPS", right: true, of: rateText },
    { name: "interval", drop: 1, of: intervalText },
    { name: "p99", right: true, of: of(({ lat_p99_ns: p99 }) => shownTime(p99)) },
    { name: "headroom", right: true, of: headroomText },
    { name: "trusted", of: trustText, paint },
    { name: "p50", right: true, drop: 2, of: of(({ lat_p50_ns: p50 }) => shownTime(p50)) },
    {
      name: "buffer wait",
      right: true,
      drop: 3,
      of: of(({ buffer_wait_mean_ns: wait }) => shownTime(wait)),
    },
    { name: "dry", right: true, drop: 4, of: of(({ dry }) => shownCount(dry)) },
    { name: "kicks", right: true, drop: 5, of: of(({ kicks }) => shownCount(kicks)) },
  ];
}

function rateText({ figures }: Entry): string {
  return figures === null ? "failed" : rate(figures.iops);
}

export function firstTable({ entries }: FirstScreen, width?: number, style = PLAIN): string {
  // Rather a column less than figures in two lines; only names and reasons may be that long.
  const columns = columnsOf(style).flatMap((column) => {
    const widths = entries.map((one) => Bun.stringWidth(column.of(one)));
    const natural = Math.max(...widths, Bun.stringWidth(column.name));
    const long = column.name === "arm" || column.name === "trusted";
    const least = long ? Math.min(natural, LONG) : natural;
    return widths.some((width) => width > 0) ? [{ ...column, least }] : [];
  });
  const rows: Row[] = [];
  let setting = NAMELESS;
  for (const entry of entries) {
    if (entry.setting !== setting) {
      rows.push({ heading: entry.setting, paint: (text) => style("bold", text) });
    }
    ({ setting } = entry);
    rows.push(columns.map((column) => column.of(entry)));
  }
  return formatTable(columns, rows, width).trimEnd();
}

export function answerLines({ answers }: FirstScreen, style = PLAIN): string[] {
  return answers.map(
    ({ question, answer }) => `${style("bold", printable(question))} ${printable(answer)}`,
  );
}
