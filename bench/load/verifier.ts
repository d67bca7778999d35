// The memory of a verified run: which generation each block should carry, which blocks are in flight,
// and how a block that nobody has written yet read the first time.
//
// Two commands on one block at once, one of them a write, have no order that anyone could check; so
// `admit` moves such a command on to the next block that is free (fio's serialize_overlap, without
// the wait). A block not yet written may hold anything: its checksum is remembered at the first read
// and must stay, so that a write that lands on the wrong block shows.
//
// A write that was refused or not answered may have been carried out, in part too, or not: until a later one has
// ended well, what was there before and what it was to become are both right.

import type { Command } from "../../initiator/protocol/command.ts";
import { usage } from "../../words/failure.ts";
import { crc32c } from "./crc32c.ts";
import {
  CHANGED,
  GOOD,
  OTHER_RUN,
  UNSTAMPED,
  VERDICTS,
  generationOf,
  judge,
  lbaOf,
  stamp,
} from "./stamp.ts";
import type { Workload } from "./workload.ts";
import { READ, WRITE } from "../../initiator/protocol/operation.ts";
import { SECTOR } from "../../wire/ata.ts";

/** 14 bytes of memory a block. */
const MOST_BLOCKS = 1 << 26;
const KEPT = 16;
const MANY = 255;

export interface Mismatch {
  readonly lba: number;
  readonly verdict: number;
  readonly expected: string;
  readonly found: string;
}

export class Verifier {
  /** Writes of each block that were submitted in this run. */
  readonly #generation: Uint32Array;
  /** Checksum of a block as first read, +1 (0: not read yet); only while its generation is 0. */
  readonly #fingerprint: Float64Array;
  /** 255: a write; else the number of reads in flight. */
  readonly #busy: Uint8Array;
  /** How many of its latest writes did not end well; MANY: so many, or more. */
  readonly #failed: Uint8Array;
  readonly #workload: Workload;
  readonly #seed: number;
  blocksWritten = 0;
  sectorsVerified = 0;
  /** Of these, sectors of blocks whose latest write was refused or not answered: old and new are right. */
  sectorsOpen = 0;
  /** Sectors read before anything was written there in this run: only their constancy is checked. */
  sectorsUnwritten = 0;
  mismatches = 0;
  readonly first: Mismatch[] = [];

  constructor(workload: Workload, seed: number) {
    if (workload.blocks > MOST_BLOCKS) {
      throw usage(
        `Expected \`--size\` to hold at most ${MOST_BLOCKS} blocks under \`--verify\`, got \`${workload.blocks}\``,
      );
    }
    this.#workload = workload;
    this.#seed = seed >>> 0;
    this.#generation = new Uint32Array(workload.blocks);
    this.#fingerprint = new Float64Array(workload.blocks);
    this.#busy = new Uint8Array(workload.blocks);
    this.#failed = new Uint8Array(workload.blocks);
  }

  /** Moves the command to a block without a conflict, and stamps a write. False: every block is taken. */
  admit(command: Command): boolean {
    const { blocks, sectorsPerBlock, firstLba } = this.#workload;
    let block = this.#workload.blockOf(command.lba);
    const writing = command.operation === WRITE;
    for (let tried = 0; ; tried++) {
      const busy = this.#busy[block] ?? 0;
      if (busy === 0 || (!writing && busy < 254)) break;
      if (tried === blocks) return false;
      block = block + 1 === blocks ? 0 : block + 1;
    }
    command.lba = firstLba + block * sectorsPerBlock;
    this.#busy[block] = writing ? 255 : (this.#busy[block] ?? 0) + 1;
    if (writing && command.memory !== null) {
      const generation = (this.#generation[block] ?? 0) + 1;
      if (generation === 1) this.blocksWritten++;
      this.#generation[block] = generation;
      stamp(
        command.memory.view,
        command.offset,
        command.lba,
        command.sectors,
        generation,
        this.#seed,
      );
    }
    return true;
  }

  /** The command has ended; checks what it read, when it ended well. */
  settle(command: Command, well: boolean): void {
    const block = this.#workload.blockOf(command.lba);
    if (command.operation === WRITE) {
      this.#busy[block] = 0;
      this.#failed[block] = well ? 0 : Math.min(MANY, (this.#failed[block] ?? 0) + 1);
      return;
    }
    this.#busy[block] = (this.#busy[block] ?? 1) - 1;
    if (!well || command.operation !== READ || command.memory === null) return;
    const view = command.memory.view;
    const generation = this.#generation[block] ?? 0;
    const failed = this.#failed[block] ?? 0;
    const least = failed === MANY ? 0 : generation - failed;
    if (generation === 0) this.#compareUnwritten(view, command, block);
    if (failed > 0) this.sectorsOpen += command.sectors;
    for (let sector = 0; sector < command.sectors; sector++) {
      const base = command.offset + sector * SECTOR;
      const verdict = judge(view, base, command.lba + sector, generation, this.#seed, least);
      if (verdict === UNSTAMPED && least === 0) {
        this.sectorsUnwritten++;
      } else {
        this.sectorsVerified++;
        if (verdict !== GOOD) {
          this.#complain(view, base, command.lba + sector, verdict, generation, least);
        }
      }
    }
  }

  /** The next written block from `block` on, or -1: what the reading back at the end visits. */
  nextWritten(block: number): number {
    for (let place = block; place < this.#generation.length; place++) {
      if ((this.#generation[place] ?? 0) > 0) return place;
    }
    return -1;
  }

  #compareUnwritten(view: DataView, command: Command, block: number): void {
    const found = crc32c(view, command.offset, command.sectors * SECTOR) + 1;
    const before = this.#fingerprint[block] ?? 0;
    this.#fingerprint[block] = found;
    if (before !== 0 && before !== found) {
      this.#complain(view, command.offset, command.lba, CHANGED, 0);
    }
  }

  #complain(
    view: DataView,
    base: number,
    lba: number,
    verdict: number,
    generation: number,
    least = generation,
  ): void {
    this.mismatches++;
    if (this.first.length >= KEPT) return;
    const found =
      verdict === UNSTAMPED || verdict === CHANGED
        ? `bytes ${hex(view, base, 16)}`
        : `sector ${lbaOf(view, base)} generation ${generationOf(view, base)}${verdict === OTHER_RUN ? ` seed ${view.getUint32(base + 4)}` : ""}`;
    const expected =
      generation === 0
        ? `sector ${lba}, not written in this run`
        : `sector ${lba} generation ${least < generation ? `${least} to ` : ""}${generation}`;
    this.first.push({ lba, verdict, expected, found });
  }
}

function hex(view: DataView, base: number, length: number): string {
  let text = "";
  for (let byte = 0; byte < length; byte++) {
    text += view
      .getUint8(base + byte)
      .toString(16)
      .padStart(2, "0");
  }
  return text;
}

/** One sentence for a person. */
export function describeMismatch(mismatch: Mismatch): string {
  return `Sector ${mismatch.lba} is ${VERDICTS[mismatch.verdict] ?? "wrong"}: expected ${mismatch.expected}, found ${mismatch.found}.`;
}
