// The seam between a core and the network: frames in, frames out, and who owns a buffer meanwhile.
//
//   core ── allocate ──▶ idle ── transmit ──▶ pinned ── (the link releases) ──▶ idle ── free ──▶ gone
//
// A link owns what it was given until it says otherwise. `transmit` raises a buffer's pin count,
// `reclaim` lowers it when the link is done; a link that copies leaves the count as it was. A pinned
// buffer is never written. Wrappers (reclaim model, faults, capture) implement this interface over
// another link, so that a core never knows what it runs on.

import type { Mac } from "../wire/mac.ts";

/** Bytes, the same bytes as a DataView, and their machine address for system calls. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Address of `bytes[0]`, stable for the memory's life; 0 where the memory is a plain array. */
  readonly address: number;
  /** The same bytes as 32-bit words, where the memory is a plain array: copies between two such go by words. */
  readonly plain?: Uint32Array;
}

/** The memory of one transmit frame. The link that allocated it owns the memory; the pool owns the buffer while no one else does. */
export interface TxBuffer extends Memory {
  /** Dense from 0 per link; reused after `free`. */
  readonly index: number;
  /** How many transmits of this buffer the link has not released. */
  readonly pins: number;
}

/** Whom the kernel says a frame was for (linux/if_packet.h, PACKET_HOST …). */
export const TO_HOST = 0;
export const TO_BROADCAST = 1;
export const TO_MULTICAST = 2;
export const TO_OTHER = 3;
export const OUTGOING = 4;

/** A received frame. The object is reused: it means something only inside `visit`. */
export interface FrameView extends Memory {
  /** Offset of the frame's first byte in `bytes` and `view`. */
  readonly base: number;
  /** Bytes received, from the Ethernet destination on. */
  readonly length: number;
  /** One of TO_HOST … OUTGOING. */
  readonly addressed: number;
  /** When it came in, ns of the waiter's clock (the time of the poll where the link has no better). */
  readonly at: number;
}

/** As the owner of an object sees it that others only read. */
export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Frames lost or refused below the core, since the link was opened. */
export interface LinkCounters {
  received: number;
  transmitted: number;
  /** Lost because no room was left in the receive queue (PACKET_STATISTICS tp_drops). */
  receiveDrops: number;
  /** `transmit` said false. */
  transmitBusy: number;
  /** Errors of the kernel on transmit other than "no room", and the last errno. */
  transmitErrors: number;
  lastErrno: number;
  /** Of `transmitted`, those that the kernel copied, where a link pins the others (xdp.ts). */
  copied?: number;
  /** Of `transmitted`, those that left by each path but AF_XDP (tx_path.ts). */
  paths?: { linear: number; ordinary: number };
  /** Of `received` and `receiveDrops`, those of the lane for write answers (write_lane.ts), where there is one. */
  lane?: { readonly received: number; readonly receiveDrops: number };
}

/** Frames that left by AF_XDP and frames that left in one piece (tx_path.ts). */
export function sentByPath({
  transmitted,
  paths,
}: Readonly<Pick<LinkCounters, "transmitted" | "paths">>): {
  readonly xdp: number;
  readonly linear: number;
} {
  if (paths === undefined) return { xdp: 0, linear: 0 };
  return { xdp: transmitted - paths.linear - paths.ordinary, linear: paths.linear };
}

/** Of a link that has just been opened. */
export function noFrames(): LinkCounters {
  return {
    received: 0,
    transmitted: 0,
    receiveDrops: 0,
    transmitBusy: 0,
    transmitErrors: 0,
    lastErrno: 0,
  };
}

export interface Link {
  readonly mac: Mac;
  /** Largest payload behind the 14 bytes of Ethernet header; can change while the link is open. */
  readonly mtu: number;
  /** Set by the core; called from within `receive` when mac, mtu or the carrier has changed. */
  onChange: (() => void) | null;
  /** What a Waiter polls for input; empty for a memory link. */
  readonly fds: readonly number[];
  readonly counters: Readonly<LinkCounters>;

  /** A buffer of `size` bytes, counted; null: the budget or the kernel said no. */
  allocate(size: number): TxBuffer | null;
  /** Asserts that nobody holds it. */
  free(buffer: TxBuffer): void;
  /** Visits at most `limit` frames that are there; never waits. Returns how many. */
  receive(visit: (frame: FrameView) => void, limit: number): number;
  /** Whether something has come for `receive` to take, told from memory alone. Absent: that can't be told, as by wrappers. */
  waiting?(): boolean;
  /** Sends the first `length` bytes and pins the buffer; false: no room now, nothing was sent or pinned. */
  transmit(buffer: TxBuffer, length: number): boolean;
  /**
   * `transmit` of a frame in two parts: the first `length` bytes of the buffer, then `bytes` at `address`, which
   * the kernel copies. False: nothing was sent, since there was no room or those bytes can't be read: the caller
   * uses `transmit`. Absent where frames are not copied by the kernel.
   */
  transmitBoth?(buffer: TxBuffer, length: number, address: number, bytes: number): boolean;
  /** Pushes out what `transmit` has gathered. */
  flush(): void;
  /** Lowers the pins of what the link has released; the number of buffers that became idle. */
  reclaim(): number;
  /** When `reclaim` or `receive` will next have something to do by time alone, ns; Infinity: only by events. */
  nextDeadline(): number;
  close(): void;
}
