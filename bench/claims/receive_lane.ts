// Claim E6, of fixtures/jobs/lane.toml: a flood of read answers into a small receive ring, the answers to writes among
// them; then the same with a second socket whose filter takes write answers alone (tag bit 30, P19).

import type { RunResult } from "../result/result.ts";

export interface LaneFigures {
  /** null: no write ended. */
  readonly write_mean_ns: number | null;
  readonly write_p99_ns: number | null;
  readonly writes: number;
  readonly reads: number;
  /** Of both sockets, and of the lane alone; null: no lane. */
  readonly drops: number;
  readonly lane_drops: number | null;
  readonly retransmits: number;
  readonly writes_held_back: number;
}

export interface Lanes {
  readonly one: LaneFigures;
  readonly two: LaneFigures;
  /** Of the two trials, how many others disturbed. */
  readonly disturbed: number;
}

/** Without and with the lane; a sentence where one gave no figures. */
export function lanesOf({ cells }: RunResult): Lanes | string {
  const of = (lane: string): LaneFigures | string => {
    const [trial] = cells.find(({ values }) => values.write_lane === lane)?.trials ?? [];
    const [load] = trial?.loads ?? [];
    return load === undefined
      ? (trial?.failure ?? "The load gave no figures")
      : figuresOf(load.fio as unknown as Document);
  };
  const [one, two] = [of("off"), of("on")];
  if (typeof one === "string") return one;
  if (typeof two === "string") return two;
  const disturbed = cells.filter(({ trials: [trial] }) => trial?.disturbed === true).length;
  return { one, two, disturbed };
}

/** What of a load's document is read here. */
interface Document {
  readonly jobs: readonly [
    {
      readonly read: { readonly total_ios: number };
      readonly write: {
        readonly total_ios: number;
        readonly lat_ns: {
          readonly mean: number | null;
          readonly percentile?: Record<string, number | null>;
        };
      };
      readonly aoe: {
        readonly link: {
          readonly receiveDrops: number;
          readonly lane?: { readonly receiveDrops: number };
        };
        readonly device: {
          readonly counters: { readonly retransmits: number; readonly heldBack: number };
        };
      };
    },
  ];
}

function figuresOf({ jobs: [{ read, write, aoe }] }: Document): LaneFigures {
  return {
    write_mean_ns: write.lat_ns.mean === null ? null : Math.round(write.lat_ns.mean),
    write_p99_ns: write.lat_ns.percentile?.["99.000000"] ?? null,
    writes: write.total_ios,
    reads: read.total_ios,
    drops: aoe.link.receiveDrops,
    lane_drops: aoe.link.lane?.receiveDrops ?? null,
    retransmits: aoe.device.counters.retransmits,
    writes_held_back: aoe.device.counters.heldBack,
  };
}
