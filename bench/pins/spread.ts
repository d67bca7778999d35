// How late each phase's frames were released.

import { quantile, sorted } from "../../statistics/quantile.ts";
import { type Observed, PHASES } from "./observed.ts";
import type { Spread } from "./pins_result.ts";

const BINS = 10;
/** Least duration of a bin, ns. */
const LEAST = 100;

export function spreads({ sends }: Pick<Observed, "sends">): Spread[] {
  return PHASES.map((phase): Spread => {
    const own = sends.filter((send) => send.phase === phase);
    const held = sorted(
      own.flatMap(({ at, released }) => (released === null ? [] : [released - at])),
    );
    const at = (share: number): number | null => (held.length === 0 ? null : quantile(held, share));
    return {
      phase,
      frames: own.length,
      released: held.length,
      p50_ns: at(0.5),
      p90_ns: at(0.9),
      p99_ns: at(0.99),
      max_ns: at(1),
      histogram: binned(held),
    };
  });
}

function binned(held: readonly number[]): [number, number][] {
  const bins = new Map<number, number>();
  for (const ns of held) {
    const bin = Math.floor(Math.log10(Math.max(LEAST, ns)) * BINS);
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  return [...bins].sort(([a], [b]) => a - b).map(([bin, count]) => [10 ** (bin / BINS), count]);
}
