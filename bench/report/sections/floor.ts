// The harness's own floor: the same load against a null target over the same link. What a cell takes beyond
// it is the doing of target and pool.
import type { Axis, TableCell } from "../report.ts";
import { figure } from "../figure.ts";
import type { ArmCell } from "../../result/arm_cells.ts";
import type { Figures } from "../../load/figures.ts";
import { shownCount, shownTime } from "../../../words/shown.ts";

export function floorColumn(
  { cell }: ArmCell,
  of: (figures: Figures) => number | null,
  unit: Axis["unit"],
): TableCell {
  return cell.floor === null ? "not measured" : figure(of(cell.floor), unit);
}

export function floorNote(cells: readonly ArmCell[]): string[] {
  const floors = [
    ...new Set(cells.flatMap(({ cell }) => (cell.floor === null ? [] : [cell.floor]))),
  ];
  if (floors.length === 0) return ["The harness's own floor was not measured."];
  const rates = floors.map(({ iops }) => iops);
  const [least, most] = [Math.min(...rates), Math.max(...rates)];
  const range = least === most ? shownCount(most) : `${shownCount(least)} to ${shownCount(most)}`;
  return [
    `The harness's own floor, a null target over the same link: ${range} IOPS, median latency ${shownTime(floorLatency(cells)?.value ?? null)}.`,
  ];
}

/** The least median latency that the harness itself has in these cells. */
export function floorLatency(cells: readonly ArmCell[]): { name: string; value: number } | null {
  const known = cells.flatMap(({ cell }) => cell.floor?.lat_p50_ns ?? []);
  if (known.length === 0) return null;
  return { name: "median against a null target", value: Math.min(...known) };
}
