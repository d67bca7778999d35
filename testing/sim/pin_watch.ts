// Around a link that releases late, nearest to the core: a buffer that the link holds is never written,
// and what it holds it releases once.
//
//   transmit   held already? then its bytes must be those that were sent
//              and it is held once more than before

import type { Link, TxBuffer } from "../../link/link.ts";
import { WrappedLink } from "../../link/wrap.ts";
import * as ata from "../../wire/ata.ts";
import { Violation } from "./violation.ts";

/** Words of the headers, and of a first sector's stamp behind them. */
const LOOK = ata.LENGTH / 4 + 2;

export class PinWatch extends WrappedLink {
  /** By buffer index: what it looked like when it was last sent. */
  private readonly sent: (Int32Array | undefined)[] = [];

  constructor(inner: Link) {
    super(inner);
  }

  override transmit(buffer: TxBuffer, length: number): boolean {
    const { index, pins, view } = buffer;
    if (pins < 0) throw new Violation("pins", `buffer ${index} is held ${pins} times`);
    let look = this.sent[index];
    if (look === undefined) {
      look = new Int32Array(LOOK);
      this.sent[index] = look;
    } else if (pins > 0) {
      for (let word = 0; word < LOOK; word++) {
        if (look[word] !== view.getInt32(word * 4)) {
          throw new Violation(
            "pins",
            `buffer ${index}, which the link holds ${pins} times, was written at byte ${word * 4}`,
          );
        }
      }
    }
    for (let word = 0; word < LOOK; word++) look[word] = view.getInt32(word * 4);
    return this.inner.transmit(buffer, length);
  }
}
