// What a model of late release is asked, and by what (reclaim_model.ts has the models).

/** The transmits that the link holds, oldest first. */
export interface Held {
  readonly count: number;
  /** When the one at `index` was transmitted, ns. */
  at(index: number): number;
}

/** Each function returns how many of the oldest are released at `now` (ns). */
export interface ReclaimModel {
  /** As given: `coalesce:64/1ms`. */
  readonly text: string;
  /** False: nothing is ever held. */
  readonly holds: boolean;
  /** By time alone. */
  byTime(held: Held, now: number): number;
  /** When `byTime` will next release something, ns; Infinity: not by time. */
  deadline(held: Held): number;
  /** On the driver's way into a transmit, which then holds one more. */
  beforeTransmit(held: Held, now: number): number;
  /** By that transmit's interrupt; the new one, of `length` bytes, is among the held. */
  afterTransmit(held: Held, length: number): number;
  /** On the driver's way to hand up the first frame of a receive. */
  onReceive(held: Held, now: number): number;
  /** The same for another link, where it remembers something. */
  fresh?(): ReclaimModel;
}
