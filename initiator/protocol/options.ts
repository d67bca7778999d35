// What an initiator can be told, with the numbers that hold where it is not.

import type { Link } from "../../link/link.ts";
import type { Waiter } from "../../link/waiter.ts";
import type { Random } from "../../words/random.ts";
import type { Pool } from "../pool/pool.ts";
import { RTT_BOUNDS, type RttBounds } from "./rtt.ts";
import type { WindowLaw } from "./window.ts";

export interface InitiatorOptions {
  readonly links: readonly Link[];
  /**
   * Looked at for each frame that comes in and each device that is served: an iteration can last a
   * millisecond, and a frame that is sent at its end is not as old as its beginning. Without it all of
   * an iteration happens at its beginning.
   */
  readonly clock?: Pick<Waiter, "now">;
  /** Where tags begin. */
  readonly random: Random;
  /** A device's pool of transmit buffers of `bytes` on one of the links. */
  readonly pool: (link: Link, bytes: number) => Pool;
  /** When a dry pool with nothing outstanding is asked again: ns, or when the link lets a buffer go. 100 ms. */
  readonly kick?: number | "on-release";
  /** Without an answer, ns; 10 s. */
  readonly timeout?: number | undefined;
  /** The maximum packet life, ns; 1 s. */
  readonly packetLife?: number | undefined;
  /** Most frames in the network by one path, below the target's buffer count too. */
  readonly window?: number | undefined;
  readonly windowLaw?: WindowLaw | undefined;
  readonly rtt?: RttBounds | undefined;
  /** `new`: as Linux does; a target can't tell such a retransmit from another request. `same`. */
  readonly retransmitTag?: "same" | "new" | undefined;
  /** Ask every device that appears for its IDENTIFY sector; true. */
  readonly identify?: boolean;
  /** Told of a fault of ours that a frame met, which is dropped. Not given: the error is thrown, as tests want it. */
  readonly onFault?: (error: unknown) => void;
  /** Ask for devices again after this, ns; Infinity: only when told. 60 s, as Linux does. */
  readonly rediscover?: number;
}

export interface Settings {
  readonly kick: number;
  readonly kickOnRelease: boolean;
  readonly timeout: number;
  readonly packetLife: number;
  readonly window: number;
  readonly windowLaw: WindowLaw;
  readonly rtt: RttBounds;
  readonly newTags: boolean;
  readonly identify: boolean;
  readonly rediscover: number;
}

export function settle(options: InitiatorOptions): Settings {
  const kick = options.kick ?? 100e6;
  return {
    kick: kick === "on-release" ? Infinity : kick,
    kickOnRelease: kick === "on-release",
    timeout: options.timeout ?? 10e9,
    packetLife: options.packetLife ?? 1e9,
    window: options.window ?? Infinity,
    windowLaw: options.windowLaw ?? "steady",
    rtt: options.rtt ?? RTT_BOUNDS,
    newTags: options.retransmitTag === "new",
    identify: options.identify ?? true,
    rediscover: options.rediscover ?? 60e9,
  };
}
