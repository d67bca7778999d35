// One way to a device: one of our links and one MAC of the target. Answers define which there are (P6).
//
// Each path has a round trip, a window and a largest payload of its own. A path that lost several
// frames in a row while another one answers is left, and probed until it answers again. Large frames that
// get lost where small ones get through make it fall back to two sectors.

import type { Mac } from "../wire/mac.ts";
import type { PortState } from "./port.ts";
import type { Rtt } from "./rtt.ts";
import type { Window } from "./window.ts";

/** What every AoE link carries: 1024 bytes at an MTU of 1500. */
export const SMALL_SECTORS = 2;
/** Losses in a row after which a path is left, where another answers. */
export const PATH_LOSSES = 3;
/** Losses of large frames in a row, none answered between, after which a path is suspected. */
export const LARGE_LOSSES = 5;

export class Path {
  readonly port: PortState;
  readonly target: Mac;
  readonly rtt: Rtt;
  readonly window: Window;
  /** Frames in the network by this path. */
  inFlight = 0;
  alive = true;
  /** Another target may be behind it: no data by it until its IDENTIFY sector has been compared. */
  doubted = false;
  /** It was asked for that sector in vain: ask again when it is next heard of. */
  undecided = false;
  /** Most sectors of a command, as the target says for the interface at its end (P13): each has an MTU of its own. */
  sectorCount = SMALL_SECTORS;
  /** Most sectors of a frame on it. */
  sectors = SMALL_SECTORS;
  /** Large frames got lost on it, or were refused: `sectors` stays at `fallBack` or below. */
  fellBack = false;
  fallBack = SMALL_SECTORS;
  /** RTOs in a row without an answer. */
  lossesInRow = 0;
  largeLossesInRow = 0;
  /** When the first of those large frames was given up, and when a small frame was last answered, ns. */
  largeLostAt = 0;
  smallHeardAt = -1;
  heardAt = -1;
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
}
