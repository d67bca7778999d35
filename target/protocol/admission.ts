// P12: how many requests each initiator has in hand at an export, over each interface. An initiator
// is a source MAC on an interface; what it may have is the export's buffer count.

import type { Mac } from "../../wire/mac.ts";

export class Admission {
  private readonly macs: Mac[] = [];
  private readonly ports: number[] = [];
  private readonly counts: number[] = [];

  /** A place for one more request, to be given back by `leave`; −1: the initiator has `most` in hand. */
  enter(mac: Mac, port: number, most: number): number {
    const { macs, ports, counts } = this;
    let vacant = -1;
    for (let place = 0; place < macs.length; place++) {
      const count = counts[place] as number;
      if (count === 0) {
        vacant = place;
      } else if (macs[place] === mac && ports[place] === port) {
        if (count >= most) return -1;
        counts[place] = count + 1;
        return place;
      }
    }
    const place = vacant < 0 ? macs.length : vacant;
    macs[place] = mac;
    ports[place] = port;
    counts[place] = 1;
    return place;
  }

  leave(place: number): void {
    this.counts[place] = (this.counts[place] as number) - 1;
  }
}
