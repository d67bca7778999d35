// What `aoe target --stats-at-end FILE` has written, as far as trials and soaks read it.

import { readFileSync } from "node:fs";
import * as v from "valibot";

const Document = v.object({
  interfaces: v.array(
    v.object({
      over_buffer_count: v.number(),
      over_bound: v.number(),
      rx_buffers_full: v.number(),
      tx_buffers_full: v.number(),
    }),
  ),
});

/** Frames of one target over all its interfaces. */
export interface ClosingFigures {
  /** Requests beyond a bound of the target's. */
  readonly beyond: number;
  /** Lost because the receive ring was full. */
  readonly lost: number;
  /** Answers that waited for room. */
  readonly waited: number;
}

/** Null: no data, since the target wrote nothing, or nothing whole, or had lost its interfaces. */
export function readClosingFigures(path: string): ClosingFigures | null {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
  const read = v.safeParse(Document, document);
  if (!read.success || read.output.interfaces.length === 0) return null;
  const { interfaces } = read.output;
  const sum = (of: (one: (typeof interfaces)[number]) => number): number =>
    interfaces.reduce((total, one) => total + of(one), 0);
  return {
    beyond: sum((one) => one.over_buffer_count + one.over_bound),
    lost: sum((one) => one.rx_buffers_full),
    waited: sum((one) => one.tx_buffers_full),
  };
}
