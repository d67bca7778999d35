// Throughput against the pool's cap, with its knee: the smallest cap that keeps 99 % of the best.

import { type Section, sectionOf } from "../report.ts";
import { tableOf } from "../figure.ts";
import { type Subject, within } from "../../result/arm_cells.ts";
import { CURVE, capLines, capOf, ENOUGH, predictedKnees } from "../../result/knee.ts";
import { CELL_COLUMNS, evenDashes, intervalNote, spreadColumns } from "../subject.ts";
import { listed, shownCount } from "../../../words/shown.ts";

export function caps(subject: Subject): Section {
  const section = sectionOf("caps", "Cap and knee");
  const lines = subject.settings.flatMap((setting) => capLines(subject, setting));
  if (lines.length === 0) {
    return section(
      `No pool ran with ${CURVE} caps or more, so there is no curve; \`pool_cap\` as a list in the job makes one.`,
    );
  }
  const settings = [...new Set(lines.map(({ setting }) => setting))];
  const known = lines.filter(({ knee }) => knee !== null);
  const doubtful = lines.filter((line) => line.doubtful);
  const finding =
    known.length === 0
      ? doubtful.length > 0
        ? "No knee is shown: trials with smaller and with larger caps overlap, or were disturbed."
        : "No knee is found: the best is only reached at the largest cap."
      : `${listed(known.slice(0, 4).map((line) => `${line.label}${within(subject, line.setting)} reaches ${ENOUGH * 100} % of its best at a cap of ${line.knee}`))}.`;
  const cells = lines.flatMap(({ cells: own }) => own);
  return section(finding, {
    notes: [
      "The knee is the smallest cap from which on every median is at least 99 % of the largest.",
      ...predictedKnees(cells).map(
        ({ frames, own, knee }) =>
          `A link that holds ${shownCount(frames)} frames and a pool with ${shownCount(own)} preallocated buffers predict a knee at ${shownCount(knee)}.`,
      ),
      intervalNote(cells),
    ],
    charts: settings.map((setting) => ({
      kind: "knee" as const,
      caption: setting,
      x: { label: "cap: extra buffers at most", unit: "count", log: false, reach: [] },
      axis: { label: "IOPS", unit: "count", log: false, reach: [] },
      lines: evenDashes(
        lines
          .filter((line) => line.setting === setting)
          .map(({ label, colour, dash, points, knee }) => ({ label, colour, dash, points, knee })),
      ),
    })),
    table: tableOf(
      lines.flatMap(({ label, cells: own }) => own.map((cell) => ({ ...cell, arm: label }))),
      [
        ...CELL_COLUMNS,
        ["cap", "count", capOf],
        ...spreadColumns("iops", "count", ["IOPS", "interval from", "to"]),
        ["most extra buffers", "count", ({ cell }) => cell.median?.pool_length_peak ?? null],
      ],
    ),
  });
}
