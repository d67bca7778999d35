// How large a process is: resident memory and open descriptors, as /proc tells.

import { readdirSync, readFileSync } from "node:fs";

export interface ProcessSize {
  readonly residentBytes: number;
  readonly descriptors: number;
}

/** Of process `pid`, "self" for this one; zeros where it is gone. */
export function sizeOf(pid: number | "self"): ProcessSize {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    return { residentBytes: resident, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return { residentBytes: 0, descriptors: 0 };
  }
}

/** Sizes over a run: whether they are flat. */
export class SizeTrack {
  private readonly sizes: ProcessSize[] = [];

  sample(size: ProcessSize): void {
    this.sizes.push(size);
  }

  /** The largest resident size in a part of the samples, from `from` to `to` of 0 … 1. */
  peak(from: number, to: number): number {
    const { length } = this.sizes;
    const part = this.sizes.slice(Math.floor(from * length), Math.ceil(to * length));
    return Math.max(0, ...part.map(({ residentBytes }) => residentBytes));
  }

  /** Most and fewest descriptors, the first tenth left out. */
  get descriptors(): readonly [number, number] {
    const settled = this.sizes.slice(Math.ceil(this.sizes.length / 10));
    const counts = settled.map(({ descriptors }) => descriptors);
    return counts.length === 0 ? [0, 0] : [Math.min(...counts), Math.max(...counts)];
  }
}
