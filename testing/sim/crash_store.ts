// A store that forgets: what was written and not flushed is lost in a crash, sector by sector as the seed
// has it. A disk's write cache does the same.
//
//   write ─▶ now ── flush ─▶ durable          crash: each unflushed sector keeps `now` or goes back to
//             │                               `durable`, by a random number
//             └── read
//
// It also watches what is executed, since nothing sees a store from outside: no copy of a write is carried
// out twice within P28's window, and none after a later write that was issued when it had been acknowledged.

import { copyWords } from "../../link/copy.ts";
import { copyMemory } from "../../link/copy_memory.ts";
import type { Memory } from "../../link/link.ts";
import { WINDOW } from "../../target/protocol/duplicates.ts";
import { DONE, type Store } from "../../target/stores/store.ts";
import { SECTOR } from "../../wire/ata.ts";
import type { Random } from "../../words/random.ts";
import type { History } from "./history.ts";
import { FOREIGN, readStamp, WORDS } from "./sector_stamp.ts";
import { Violation } from "./violation.ts";

export interface StoreRules {
  /** Stamps mean something: nothing alters frames on their way. */
  readonly stamped: boolean;
  /** No frame is late by more than the packet life: a stale write is a fault. */
  readonly noStale: boolean;
  /** Copies keep their tag and their path, and P28 must see them. */
  readonly noDuplicates: boolean;
}

export class CrashStore implements Store, Memory {
  readonly writable = true;
  readonly asynchronous = false;
  readonly synchronous = false;
  readonly good = 0;
  /** Writes carried out that a later one should have hidden. */
  staleWrites = 0;
  /** Sectors lost in crashes. */
  lost = 0;
  /** Sectors that are served; those behind stand in the memory all the same. */
  private served: number;
  private readonly device: number;
  private readonly rules: StoreRules;
  private readonly history: History;
  private readonly now: () => number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Uint32Array;
  readonly plain: Uint32Array;
  readonly address = 0;
  private readonly durable: Uint32Array;
  private readonly dirty: Uint8Array;
  /** By write: when it was carried out, ns; the target's life it was in. */
  private readonly executedAt = new Map<number, number>();

  constructor(
    device: number,
    sectors: number,
    rules: StoreRules,
    history: History,
    now: () => number,
  ) {
    this.device = device;
    this.served = sectors;
    this.rules = rules;
    this.history = history;
    this.now = now;
    const memory = new ArrayBuffer(sectors * SECTOR);
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
    this.words = new Uint32Array(memory);
    this.plain = this.words;
    this.durable = new Uint32Array(sectors * WORDS);
    this.dirty = new Uint8Array(sectors);
  }

  get sectors(): number {
    return this.served;
  }

  /** Bound, since tests put others in front of this store. */
  readonly resize = (sectors: number): void => {
    if (sectors * SECTOR > this.bytes.length) throw new Error(`invariant: ${sectors} sectors`);
    this.served = sectors;
  };

  read(lba: number, sectors: number, memory: Memory, offset: number): number {
    copyMemory(this, lba * SECTOR, memory, offset, sectors * SECTOR);
    return DONE;
  }

  write(lba: number, sectors: number, memory: Memory, offset: number): number {
    if (lba + sectors > this.served) {
      throw new Violation(
        "store",
        `sectors ${lba} to ${lba + sectors - 1} were written where ${this.served} are served`,
      );
    }
    for (let i = 0; i < sectors; i++) {
      const at = (lba + i) * WORDS;
      const before = this.rules.stamped ? readStamp(this.words, at, this.device, lba + i) : FOREIGN;
      copyMemory(memory, offset + i * SECTOR, this, (lba + i) * SECTOR, SECTOR);
      this.dirty[lba + i] = 1;
      if (this.rules.stamped) this.watch(lba + i, before);
    }
    return DONE;
  }

  private watch(lba: number, before: number): void {
    const { history } = this;
    const write = readStamp(this.words, lba * WORDS, this.device, lba);
    if (!history.knows(write)) {
      throw new Violation(
        "store",
        `a write of sector ${lba} brought what nobody has written there`,
      );
    }
    if (this.rules.noDuplicates) {
      const now = this.now();
      const at = this.executedAt.get(write);
      if (at !== undefined && now - at <= WINDOW) {
        throw new Violation(
          "store",
          `${history.tell(write)} of sector ${lba} was carried out twice within ${now - at} ns (P28)`,
        );
      }
      this.executedAt.set(write, now);
    }
    if (before > 0 && before !== write && history.isPast(write, before)) {
      this.staleWrites++;
      if (this.rules.noStale) {
        throw new Violation(
          "store",
          `a late copy of ${history.tell(write)} of sector ${lba} undid ${history.tell(before)}`,
        );
      }
    }
  }

  flush(): number {
    for (let lba = 0; lba < this.dirty.length; lba++) {
      if (this.dirty[lba] === 0) continue;
      this.keep(lba);
    }
    return DONE;
  }

  private keep(lba: number): void {
    copyWords(this.durable, lba * WORDS, this.words, lba * WORDS, WORDS);
    this.dirty[lba] = 0;
  }

  /** The target's machine loses power. */
  crash(random: Random): void {
    this.executedAt.clear();
    for (let lba = 0; lba < this.dirty.length; lba++) {
      if (this.dirty[lba] === 0) continue;
      if (random.below(2) === 0) {
        this.keep(lba);
      } else {
        copyWords(this.words, lba * WORDS, this.durable, lba * WORDS, WORDS);
        this.dirty[lba] = 0;
        this.lost++;
      }
    }
  }

  poll(): void {}

  close(): void {}
}
