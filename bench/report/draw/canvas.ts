// What all charts share: where they are drawn, how wide, and how their axes are written.

import type { PlotOptions } from "@observablehq/plot";
import { shown } from "../figure.ts";
import type { Axis } from "../report.ts";

/** As much of a DOM as Plot needs: a browser's document, or one without a browser. */
export type Drawing = NonNullable<PlotOptions["document"]>;

export interface Canvas {
  /** CSS pixels. */
  readonly width: number;
  /** null: the browser's own. */
  readonly document: Drawing | null;
}

/** Below this, labels stand over their rows instead of beside them. */
export const NARROW = 520;
const FONT = 12;
/** Width of a character of FONT, about. */
export const CHARACTER = 6.6;

export function base(canvas: Canvas, height: number, name: string): PlotOptions {
  return {
    width: canvas.width,
    height,
    style: {
      fontSize: `${FONT}px`,
      fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
      color: "var(--ink)",
      background: "transparent",
      overflow: "visible",
    },
    ariaLabel: name,
    marginTop: 22,
    marginRight: 18,
    marginBottom: 40,
    ...(canvas.document === null ? {} : { document: canvas.document }),
  };
}

/** Ticks at 1, 2, 5 of each decade between the ends, or fewer where there is no room for so many. */
export function logTicks(low: number, high: number, room: number): number[] {
  let fewest = [low, high];
  for (const [steps, every] of TICKS) {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
      if (power % every !== 0) continue;
      for (const step of steps) {
        const tick = step * 10 ** power;
        if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
      }
    }
    if (ticks.length < 2) break;
    fewest = ticks;
    if (ticks.length <= room) break;
  }
  return fewest;
}

/** Steps within a decade, and which decades, from many to few. */
const TICKS: readonly (readonly [readonly number[], number])[] = [
  [[1, 2, 5], 1],
  [[1, 3], 1],
  [[1], 1],
  [[1], 2],
  [[1], 3],
];

/** A domain for an axis: from 0, or for a logarithmic one from a little below the least. */
export function domainOf(axis: Axis, values: readonly number[]): [number, number] {
  const known = [...values, ...axis.reach].filter(
    (value) => Number.isFinite(value) && (!axis.log || value > 0),
  );
  const high = known.reduce((most, value) => Math.max(most, value), 0);
  if (axis.tight === true) {
    const least = known.reduce((min, value) => Math.min(min, value), high);
    const spare = 0.04 * (high - least || high || 1);
    return [least - spare, high + spare];
  }
  if (!axis.log) return [0, high === 0 ? 1 : high * 1.04];
  const low = known.reduce((least, value) => Math.min(least, value), high === 0 ? 1 : high);
  return low === high ? [low / 2 || 0.5, (high || 1) * 2] : [low * 0.85, high * 1.18];
}

/** The scale of an axis, whose ticks carry their units. `room`: ticks that fit. */
export function scaleOf(axis: Axis, domain: [number, number], room: number) {
  return {
    type: axis.log ? ("log" as const) : ("linear" as const),
    domain,
    label: axis.label,
    // A logarithmic axis has no round ticks of its own choice.
    ticks: axis.log ? logTicks(domain[0], domain[1], room) : room,
    tickFormat: (value: number): string => shown(value, axis.unit),
  };
}

/** A margin for labels at the left, no more than a part of the width. */
export function labelMargin(labels: readonly string[], width: number): number {
  const longest = labels.reduce((most, label) => Math.max(most, label.length), 0);
  return Math.min(16 + longest * CHARACTER, width * 0.42);
}

/** A label cut to `pixels`; the whole stands in the table. */
export function fitted(label: string, pixels: number): string {
  const room = Math.max(4, Math.floor(pixels / CHARACTER));
  return label.length <= room ? label : `${label.slice(0, room - 1)}…`;
}
