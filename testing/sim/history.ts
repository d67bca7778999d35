// What a read may return, sector by sector: the safety model.
//
// Each write of a sector is a number with three moments on one counter (`tick`): when it was invoked, when
// it was acknowledged, and when it was certainly gone. A read may return a write that was not gone when
// the read was invoked.
//
//   W1  invoked ├──────┤ acknowledged
//   W2                     ├──────┤            invoked after W1's end: when W2 ends, W1 is gone
//   W3                  ├────────────┤         beside W2: either may be found
//   read                                ├──┤   W2 or W3; what it found, with no write beside it, is
//                                              what stands there: the other one is gone too
//
// A write that ended without an acknowledgement may have been carried out, or may be yet: it is a ghost
// and never gone. A crash brings back what was not made durable: every write that no flushed write came
// after. So a second list for each sector holds those (`durable`), which only flushes shorten. A write that
// was out while its target crashed may have been carried out before and lost, though its acknowledgement
// comes after: it proves nothing about what stands there, nor does a flush about it.

import { BLANK, FOREIGN } from "./sector_stamp.ts";
import { Violation } from "./violation.ts";

/** Not yet; never. */
const NEVER = 0x7fff_ffff;

export class History {
  /** Counts every event; the moments of all writes and reads are its values. */
  private tick = 0;
  private readonly firstSector: number[] = [];
  private readonly sectors: readonly number[];
  /** Whether crashes are to come, so that `durable` is kept. */
  private readonly crashes: boolean;

  // By write; those below the count of all sectors stand for what was there at first.
  private invoked: Int32Array;
  private acknowledged: Int32Array;
  private gone: Int32Array;
  private place: Int32Array;
  private writes: number;

  // By sector, counted over all devices.
  /** What may stand there while nothing is written. */
  private readonly standing: number[][] = [];
  /** What may stand there after a crash. */
  private readonly durable: number[][] = [];
  private readonly pending: Int32Array;
  private readonly touched: Int32Array;
  /** By device: the moment of its last crash. */
  private readonly crashedAt: number[];

  /** `sectors` of each device. */
  constructor(sectors: readonly number[], crashes: boolean) {
    this.sectors = sectors;
    this.crashes = crashes;
    let all = 0;
    for (const count of sectors) {
      this.firstSector.push(all);
      all += count;
    }
    const room = 2048 + all;
    this.invoked = new Int32Array(room);
    this.acknowledged = new Int32Array(room);
    this.gone = new Int32Array(room).fill(NEVER);
    this.place = new Int32Array(room);
    this.writes = all + 1;
    this.pending = new Int32Array(all);
    this.touched = new Int32Array(all);
    this.crashedAt = sectors.map(() => 0);
    for (let sector = 0; sector < all; sector++) {
      this.place[sector + 1] = sector;
      this.standing.push([sector + 1]);
      this.durable.push(crashes ? [sector + 1] : []);
    }
  }

  /** A moment, for what is invoked now. */
  now(): number {
    return ++this.tick;
  }

  /** A write of one sector is submitted: its number, to be stamped on it. */
  write(device: number, lba: number): number {
    const sector = (this.firstSector[device] as number) + lba;
    const id = this.writes++;
    if (id === this.invoked.length) this.grow();
    const at = ++this.tick;
    this.invoked[id] = at;
    this.acknowledged[id] = NEVER;
    this.place[id] = sector;
    this.touched[sector] = at;
    this.pending[sector] = (this.pending[sector] as number) + 1;
    if (this.crashes) (this.durable[sector] as number[]).push(id);
    return id;
  }

  /** It was acknowledged: what ended before it began is gone. */
  written(id: number): void {
    const sector = this.place[id] as number;
    const at = ++this.tick;
    const began = this.invoked[id] as number;
    this.acknowledged[id] = at;
    this.touched[sector] = at;
    this.pending[sector] = (this.pending[sector] as number) - 1;
    const standing = this.standing[sector] as number[];
    // Out while its target crashed: it may have been carried out before that, and lost.
    if (began < (this.crashedAt[this.deviceOf(sector)] as number)) {
      standing.push(id);
      return;
    }
    let kept = 0;
    for (let i = 0; i < standing.length; i++) {
      const other = standing[i] as number;
      if ((this.acknowledged[other] as number) < began) this.gone[other] = at;
      else standing[kept++] = other;
    }
    standing.length = kept;
    standing.push(id);
  }

  /** It ended without an acknowledgement: from now on a ghost. */
  abandoned(id: number): void {
    const sector = this.place[id] as number;
    this.touched[sector] = ++this.tick;
    this.pending[sector] = (this.pending[sector] as number) - 1;
  }

  /** A read that was invoked at `began` found `found` in the sector. */
  read(device: number, lba: number, found: number, began: number): void {
    const sector = (this.firstSector[device] as number) + lba;
    const id = found === BLANK ? sector + 1 : found;
    if (found === FOREIGN || id >= this.writes || this.place[id] !== sector) {
      throw new Violation("history", `a read of ${this.name(sector)} found ${this.strange(found)}`);
    }
    if ((this.gone[id] as number) <= began) {
      throw new Violation(
        "history",
        `a read of ${this.name(sector)} that began at ${began} found ${this.tell(id)}, though ${this.stood(sector)}`,
      );
    }
    // Nothing was written beside this read: what it found is what stands there.
    const alone =
      this.pending[sector] === 0 &&
      (this.touched[sector] as number) < began &&
      (this.crashedAt[device] as number) < began;
    if (!alone) return;
    const standing = this.standing[sector] as number[];
    if (standing.length > 1 || standing[0] !== id) this.settle(standing, id);
    if (this.crashes && (this.touched[sector] as number) < (this.crashedAt[device] as number)) {
      // It came through the crash, and nothing has been written since.
      const durable = this.durable[sector] as number[];
      if (durable.length > 1)
        this.durable[sector] = durable.filter((w) => w === id || this.isGhost(w));
    }
  }

  private settle(standing: number[], id: number): void {
    const at = ++this.tick;
    for (const other of standing) if (other !== id && !this.isGhost(other)) this.gone[other] = at;
    standing.length = 1;
    standing[0] = id;
  }

  private isGhost(id: number): boolean {
    return this.acknowledged[id] === NEVER;
  }

  /** A flush of the device that was invoked at `began` was acknowledged: what ended before it is durable. */
  flushed(device: number, began: number): void {
    if (!this.crashes) return;
    const first = this.firstSector[device] as number;
    const crashed = this.crashedAt[device] as number;
    for (let sector = first; sector < first + (this.sectors[device] as number); sector++) {
      const durable = this.durable[sector] as number[];
      if (durable.length < 2) continue;
      let latest = 0;
      for (const id of durable) {
        const from = this.invoked[id] as number;
        if ((this.acknowledged[id] as number) < began && from > crashed)
          latest = Math.max(latest, from);
      }
      if (latest === 0) continue;
      let kept = 0;
      for (let i = 0; i < durable.length; i++) {
        const id = durable[i] as number;
        if ((this.acknowledged[id] as number) >= latest) durable[kept++] = id;
      }
      durable.length = kept;
    }
  }

  /** The device's target has crashed: all that was not flushed may be gone, and what was there before it back. */
  crashed(device: number): void {
    this.crashedAt[device] = ++this.tick;
    const first = this.firstSector[device] as number;
    for (let sector = first; sector < first + (this.sectors[device] as number); sector++) {
      const durable = this.durable[sector] as number[];
      for (const id of durable) this.gone[id] = NEVER;
      this.standing[sector] = durable.filter((id) => !this.isGhost(id));
    }
  }

  /** Whether write `id` is known here. */
  knows(id: number): boolean {
    return id > 0 && id < this.writes;
  }

  /** Whether write `late` had been acknowledged before `other` was invoked: it must not come after it. */
  isPast(late: number, other: number): boolean {
    return (this.acknowledged[late] as number) < (this.invoked[other] as number);
  }

  /** In words. */
  tell(id: number): string {
    const began = this.invoked[id] as number;
    if (began === 0) return "what was there at first";
    const ended = this.acknowledged[id] as number;
    return `write ${id} (${began} to ${ended === NEVER ? "no acknowledgement" : ended})`;
  }

  private stood(sector: number): string {
    return `there stood ${(this.standing[sector] as number[]).map((id) => this.tell(id)).join(" or ")}`;
  }

  private strange(found: number): string {
    return found === FOREIGN ? "no whole sector of that place" : `write ${found} of another place`;
  }

  private deviceOf(sector: number): number {
    let device = this.firstSector.length - 1;
    while (sector < (this.firstSector[device] as number)) device--;
    return device;
  }

  private name(sector: number): string {
    const device = this.deviceOf(sector);
    return `sector ${sector - (this.firstSector[device] as number)} of device ${device}`;
  }

  private grow(): void {
    const room = this.invoked.length * 2;
    this.invoked = wider(this.invoked, room);
    this.acknowledged = wider(this.acknowledged, room);
    const gone = new Int32Array(room).fill(NEVER);
    gone.set(this.gone);
    this.gone = gone;
    this.place = wider(this.place, room);
  }
}

function wider(from: Int32Array, room: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(room);
  to.set(from);
  return to;
}
