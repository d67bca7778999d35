// What `aoe target --stats-at-end FILE` has written, as far as trials and soaks read it.

import { existsSync, readFileSync } from "node:fs";
import * as v from "valibot";

const Document = v.object({
  interfaces: v.array(
    v.object({
      over_buffer_count: v.number(),
      over_bound: v.number(),
      rx_buffers_full: v.number(),
      tx_buffers_full: v.number(),
      /** Absent in those of older programs. */
      tx: v.optional(v.number()),
      tx_by_xdp: v.optional(v.number()),
      tx_linear: v.optional(v.number()),
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
  /** Which way frames left; null: not known. */
  readonly way: string | null;
}

/** Frames of one end by the path that they took: `AF_XDP 98 %, send 2 %`; "" where none left. */
export function describeWay(sent: {
  readonly all: number;
  readonly xdp: number;
  readonly linear: number;
}): string {
  const { all, xdp, linear } = sent;
  const paths = [
    ["AF_XDP", xdp],
    ["send in one piece", linear],
    ["send", all - xdp - linear],
  ] as const;
  return paths
    .filter(([, frames]) => frames > 0)
    .map(([name, frames]) => `${name} ${Math.round((100 * frames) / all)} %`)
    .join(", ");
}

/** Null: no data, since the target wrote nothing, or nothing whole, or had lost its interfaces. */
export function readClosingFigures(path: string): ClosingFigures | null {
  return existsSync(path) ? parseClosingFigures(readFileSync(path, "utf8")) : null;
}

/** As `readClosingFigures`, of the file's text. */
export function parseClosingFigures(text: string): ClosingFigures | null {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return null;
  }
  const read = v.safeParse(Document, document);
  if (!read.success || read.output.interfaces.length === 0) return null;
  const { interfaces } = read.output;
  const sum = (of: (one: (typeof interfaces)[number]) => number): number =>
    interfaces.reduce((total, one) => total + of(one), 0);
  const unknown = interfaces.some((one) => one.tx_by_xdp === undefined);
  return {
    beyond: sum((one) => one.over_buffer_count + one.over_bound),
    lost: sum((one) => one.rx_buffers_full),
    waited: sum((one) => one.tx_buffers_full),
    way: unknown
      ? null
      : describeWay({
          all: sum(({ tx = 0 }) => tx),
          xdp: sum(({ tx_by_xdp = 0 }) => tx_by_xdp),
          linear: sum(({ tx_linear = 0 }) => tx_linear),
        }),
  };
}
