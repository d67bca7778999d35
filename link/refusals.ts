// When "no room now" has become "never". A full queue refuses a frame and takes it a moment later; a queue discipline
// whose bucket holds less, or a veth peer with a smaller MTU, refuses it with the same errno each time.
//
//   refused ── again and again, for PATIENCE, and no frame as long was sent ──▶ given up: lost, counted
//
// A sender that the scheduler lets run too seldom to try within PATIENCE is refused GAPS times.
//
// From then on a frame as long or longer that is refused is given up at once, until one of them is sent: what waits
// behind it may be shorter and leave. A socket whose own send buffer is full (EAGAIN) is none of this: its frames
// leave first.

/** How long a frame is tried again, ns: longer than a full queue takes to have room, shorter than a first RTO (250 ms). */
export const PATIENCE = 100e6;

/** Refusals further apart than PATIENCE after which a frame is given up. */
export const GAPS = 4;

export class Refusals {
  /** The shortest frame refused since one as long was sent; Infinity: none. */
  private least = Number.POSITIVE_INFINITY;
  /** When that was refused first and last, ns. */
  private first = 0;
  private last = 0;
  private gaps = 0;
  private hopeless = false;

  /** A frame of `length` bytes was sent. */
  sent(length: number): void {
    if (length >= this.least) this.least = Number.POSITIVE_INFINITY;
  }

  /** A frame of `length` bytes was refused at `now`, ns; whether it is given up. */
  refused(length: number, now: number): boolean {
    if (length < this.least) {
      this.least = length;
      this.first = now;
      this.gaps = 0;
      this.hopeless = false;
    } else if (!this.hopeless && now - this.last > PATIENCE) {
      // Nobody tried meanwhile: what it was refused for then says nothing of that time.
      this.first = now;
      this.gaps++;
    }
    this.last = now;
    if (now - this.first >= PATIENCE || this.gaps >= GAPS) this.hopeless = true;
    return this.hopeless;
  }
}
