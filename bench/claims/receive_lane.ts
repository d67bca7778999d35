// Claim E6: a flood of read answers into a small receive ring, the answers to writes among them; then the same with
// a second socket whose filter takes write answers alone (tag bit 30, P19).
//
//   lab │ aoe target 7 3 b0        ◀── random reads and one write in ten, 128 outstanding ──  aoe bench load
//       │                                                      --receive-ring 64k [--write-lane]

import { join } from "node:path";
import { lastLine, runChild } from "../machine/child.ts";
import { labCommandLine, labEnv, probeLab } from "../../lab/lab.ts";
import { makeScratch } from "../machine/scratch.ts";
import { AOE } from "../../lab/programs.ts";

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

/** Without and with the lane; a sentence where it could not be measured. */
export async function receiveLanes(
  runtime: string,
  signal?: AbortSignal,
): Promise<{ readonly one: LaneFigures; readonly two: LaneFigures } | string> {
  const lab = probeLab();
  if (!lab.available) return lab.reason;
  const { folder, remove } = makeScratch("lane");
  try {
    await Bun.write(join(folder, "image"), new Uint8Array(4 << 20));
    const aoe = `'${process.execPath}' '${AOE}'`;
    const load = `${aoe} bench load e7.3 --interface a0 --rw randrw --rwmixread 90 --bs 8k --iodepth 128 --warm-up 200ms --ramp-time 100ms --runtime ${runtime} --receive-ring 64k --json`;
    const script = `${aoe} target 7 3 b0 image -b 128 2>target.err & t=$!
${load} >one.json 2>one.err
${load} --write-lane --lane-ring 256k >two.json 2>two.err
kill -TERM $t; wait $t`;
    await runChild(labCommandLine(["sh", "-c", script]), { cwd: folder, env: labEnv(), signal });
    const [one, two] = [await read(folder, "one"), await read(folder, "two")];
    if (one === null || two === null) {
      const said = await Bun.file(join(folder, one === null ? "one.err" : "two.err")).text();
      return `The load gave no figures: ${lastLine(said)}`;
    }
    return { one, two };
  } finally {
    remove();
  }
}

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

async function read(folder: string, name: string): Promise<LaneFigures | null> {
  let document: Document;
  try {
    document = (await Bun.file(join(folder, `${name}.json`)).json()) as Document;
  } catch {
    return null;
  }
  const [{ read: reads, write, aoe }] = document.jobs;
  return {
    write_mean_ns: write.lat_ns.mean === null ? null : Math.round(write.lat_ns.mean),
    write_p99_ns: write.lat_ns.percentile?.["99.000000"] ?? null,
    writes: write.total_ios,
    reads: reads.total_ios,
    drops: aoe.link.receiveDrops,
    lane_drops: aoe.link.lane?.receiveDrops ?? null,
    retransmits: aoe.device.counters.retransmits,
    writes_held_back: aoe.device.counters.heldBack,
  };
}
