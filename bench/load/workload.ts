// Which blocks a workload touches, in which order, and whether it reads or writes them: fio's `rw`.
//
//   |◀ offset ▶|◀─────────── size ───────────▶|
//              |  bs  |  bs  |  bs  | … | rest |     the rest, shorter than bs, is never touched
//
// Blocks are aligned to `offset`; sequential orders wrap around, reads and writes of `rw` each at a
// place of their own, as fio does. The same seed gives the same sequence on every machine. There is
// no map of blocks already visited (fio's norandommap): blocks may come twice.
import { SECTOR } from "../../wire/ata.ts";
import type { Command } from "../../initiator/protocol/command.ts";
import { failed, usage } from "../../words/failure.ts";
import { formatSize } from "../../words/quantity.ts";
import type { Random } from "../../words/random.ts";
import { READ, WRITE } from "../../initiator/protocol/operation.ts";

/** fio's values; `readwrite` is its other name for `rw`. */
export const ORDERS = [
  "read",
  "write",
  "randread",
  "randwrite",
  "rw",
  "readwrite",
  "randrw",
] as const;
export type Order = (typeof ORDERS)[number];

export function writes(order: Order): boolean {
  return order !== "read" && order !== "randread";
}
function reads(order: Order): boolean {
  return order !== "write" && order !== "randwrite";
}
function isRandom(order: Order): boolean {
  return order.startsWith("rand");
}

/** All in bytes, except `rwmixread` (percent). */
export interface WorkloadSpec {
  readonly rw: Order;
  readonly bs: number;
  readonly offset: number;
  /** 0: to the end of the device. */
  readonly size: number;
  readonly rwmixread: number;
}

export class Workload {
  readonly blocks: number;
  readonly sectorsPerBlock: number;
  readonly firstLba: number;
  readonly #mix: Random;
  readonly #place: Random;
  readonly #random: boolean;
  /** Of 2^32: a draw below it reads. */
  readonly #readBelow: number;
  #nextRead = 0;
  #nextWrite = 0;

  /** `deviceBytes` is the device's length; a region that leaves it is a usage failure. */
  constructor(spec: WorkloadSpec, deviceBytes: number, random: Random) {
    if (spec.bs % SECTOR !== 0 || spec.bs === 0) {
      throw usage(`Expected \`--bs\` to be a multiple of 512 bytes, got \`${spec.bs}\``);
    }
    if (spec.offset % SECTOR !== 0) {
      throw usage(`Expected \`--offset\` to be a multiple of 512 bytes, got \`${spec.offset}\``);
    }
    if (deviceBytes === 0) {
      throw failed("The device has no sectors: there is nothing to read or to write");
    }
    const size = spec.size === 0 ? deviceBytes - spec.offset : spec.size;
    if (spec.offset + size > deviceBytes) {
      throw usage(
        `Expected \`--offset\` + \`--size\` to lie inside the device of ${formatSize(deviceBytes)}, got \`${spec.offset} + ${size}\``,
      );
    }
    this.blocks = Math.floor(size / spec.bs);
    if (this.blocks < 1) {
      throw usage(
        `Expected \`--size\` to hold at least one block of \`--bs\` ${formatSize(spec.bs)}, got \`${size}\``,
      );
    }
    this.sectorsPerBlock = spec.bs / SECTOR;
    this.firstLba = spec.offset / SECTOR;
    this.#mix = random.fork("rwmixread");
    this.#place = random.fork("offset");
    this.#random = isRandom(spec.rw);
    this.#readBelow = !writes(spec.rw)
      ? 2 ** 32
      : !reads(spec.rw)
        ? 0
        : Math.round((spec.rwmixread / 100) * 2 ** 32);
  }

  /** Fills operation, lba and sectors of the next command. */
  next(command: Command): void {
    const reading = this.#readBelow === 2 ** 32 || this.#mix.next() < this.#readBelow;
    let block: number;
    if (this.#random) {
      block = this.#place.below(this.blocks);
    } else if (reading) {
      block = this.#nextRead;
      this.#nextRead = block + 1 === this.blocks ? 0 : block + 1;
    } else {
      block = this.#nextWrite;
      this.#nextWrite = block + 1 === this.blocks ? 0 : block + 1;
    }
    command.operation = reading ? READ : WRITE;
    command.lba = this.firstLba + block * this.sectorsPerBlock;
    command.sectors = this.sectorsPerBlock;
  }

  /** The number of the block that a command of this workload touches. */
  blockOf(lba: number): number {
    return (lba - this.firstLba) / this.sectorsPerBlock;
  }
}
