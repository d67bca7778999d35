// One path to a device: one of our links and one MAC of the target. Answers define which there are (P6).
//
// Each path has a round trip, a window and a largest payload of its own in each direction (frame_limit.ts). A
// path that lost several frames in a row while another one answers is left, and probed until it answers again.

import type { Mac } from "../../wire/mac.ts";
import { FrameLimit, SMALL_SECTORS } from "./frame_limit.ts";
import type { PortState } from "./port.ts";
import type { Rtt } from "./rtt.ts";
import type { Window } from "./window.ts";
import { WRITE } from "./operation.ts";

/** Losses in a row after which a path is left, where another answers. */
export const PATH_LOSSES = 3;

/** What a config answer says of its sender. */
export interface Said {
  readonly bufferCount: number;
  readonly firmware: number;
  readonly sectorCount: number;
  readonly configString: Uint8Array;
}

export class Path {
  readonly port: PortState;
  readonly target: Mac;
  readonly rtt: Rtt;
  readonly window: Window;
  /** Frames in the network by this path. */
  inFlight = 0;
  alive = true;
  /** By the last config answer. */
  said: Said | null = null;
  /** Another disk may be behind it: no command by it until its IDENTIFY sector has been compared. */
  unverified = false;
  /** When that was last done, ns. */
  provedAt = -Infinity;
  /** It has announced itself since, and when it was, or will be, asked for that, ns. */
  announced = false;
  announcedAt = -Infinity;
  /** Another disk is behind it. */
  removed = false;
  /** Which run of a target is behind it (wire/identify.ts), and whether another one is in use. */
  instance = 0;
  standby = false;
  /** Most sectors of a command, as the target says for the interface at its end (P13): each has an MTU of its own. */
  sectorCount = SMALL_SECTORS;
  /** How large a read's answer and a write may be on it. */
  readonly reads = new FrameLimit();
  readonly writes = new FrameLimit();
  /** Losses in a row of frames since which nothing was heard. */
  lossesInRow = 0;
  /** When a small frame was last answered, and when one was last asked for since a large one was lost, ns. */
  smallHeardAt = -1;
  smallAskedAt = -1;
  heardAt = -1;
  /** When it was last asked after a time-out whether it is there, ns. */
  doubtedAt = -Infinity;
  /** When a config answer last came, ns. */
  saidAt = -Infinity;
  /** The latest of `transmits` that was answered, of frames that went once. */
  heardSequence = 0;
  nextProbeAt = Infinity;

  transmits = 0;
  retransmits = 0;
  losses = 0;
  answers = 0;

  constructor(port: PortState, target: Mac, rtt: Rtt, window: Window) {
    this.port = port;
    this.target = target;
    this.rtt = rtt;
    this.window = window;
  }

  /** Most sectors of a frame on it, whatever its direction. */
  get sectors(): number {
    return Math.min(this.reads.sectors, this.writes.sectors);
  }

  /** A config answer, which is a small frame, came by it. */
  spoke(now: number): void {
    this.smallHeardAt = now;
    this.saidAt = now;
  }

  /** Of frames that move sectors by `operation`. */
  limitOf(operation: number): FrameLimit {
    return operation === WRITE ? this.writes : this.reads;
  }
}
