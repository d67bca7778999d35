// Prometheus' text exposition (format 0.0.4) of every figure, in pieces.
//
//   # HELP aoe_export_reads_total READ commands
//   # TYPE aoe_export_reads_total counter
//   aoe_export_reads_total{export="e7.0"} 12
//
// All samples of a metric stand together, as the format wants.

import { formatAddress } from "../../words/address.ts";
import type { Export } from "../protocol/export.ts";
import type { Target } from "../protocol/target.ts";
import {
  EXPORT_FIGURES,
  type Figure,
  HISTOGRAM,
  INTERFACE_FIGURES,
  TARGET_FIGURES,
} from "./figures.ts";

/** Samples in one piece. */
const PIECE = 100;
/** Bounds of the histogram's buckets: 2^10 ns (1 µs) to 2^35 ns (34 s). */
const FIRST_EXPONENT = 10;
const LAST_EXPONENT = 35;

export function* metricsPieces(target: Target): Generator<string> {
  const none = (): string => "";
  yield* samples("aoe_target_", TARGET_FIGURES, [target], none);
  yield* samples("aoe_interface_", INTERFACE_FIGURES, [...target.ports], ({ name }) =>
    label("interface", name),
  );
  const exports = [...target.exports];
  yield* samples("aoe_export_", EXPORT_FIGURES, exports, exportLabel);
  yield* histograms(exports);
}

function exportLabel(owner: Export): string {
  return label("export", formatAddress(owner));
}

function label(name: string, value: string): string {
  return `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

function heading(metric: string, type: string, about: string): string {
  return `# HELP ${metric} ${about}\n# TYPE ${metric} ${type}\n`;
}

function* samples<Of>(
  prefix: string,
  figures: readonly Figure<Of>[],
  all: readonly Of[],
  labels: (of: Of) => string,
): Generator<string> {
  for (const { metric, type, about, read, scale = 1 } of figures) {
    const name = prefix + metric;
    let piece = heading(name, type, about);
    for (const [index, of] of all.entries()) {
      const given = labels(of);
      piece += `${name}${given === "" ? "" : `{${given}}`} ${read(of) * scale}\n`;
      if (index % PIECE === PIECE - 1) {
        yield piece;
        piece = "";
      }
    }
    yield piece;
  }
}

function* histograms(exports: readonly Export[]): Generator<string> {
  const name = `aoe_export_${HISTOGRAM.metric}`;
  yield heading(name, "histogram", HISTOGRAM.about);
  for (const owner of exports) {
    const { times } = owner;
    // One that has never had a command has no series yet: ten thousand idle exports are the usual case.
    if (times === null) continue;
    const given = exportLabel(owner);
    const { buckets_ns: buckets, count, sum_ns: sum } = times.snapshot();
    let piece = "";
    let below = 0;
    let next = 0;
    for (let exponent = FIRST_EXPONENT; exponent <= LAST_EXPONENT; exponent++) {
      const bound = 2 ** exponent;
      // The histogram's own buckets end at every power of two.
      for (; next < buckets.length; next++) {
        const [, end, held] = buckets[next] as readonly [number, number, number];
        if (end > bound) break;
        below += held;
      }
      piece += `${name}_bucket{${given},le="${bound / 1e9}"} ${below}\n`;
    }
    piece += `${name}_bucket{${given},le="+Inf"} ${count}\n`;
    piece += `${name}_sum{${given}} ${sum / 1e9}\n${name}_count{${given}} ${count}\n`;
    yield piece;
  }
}
