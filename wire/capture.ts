// A capture file as a row of packets, whichever of the two formats it has. A damaged file gives what
// stands before the damage, and then a value that names it.
//
// Seconds and nanoseconds stay apart: since 1970 they don't fit one number exactly.

import { type Malformed, malformed } from "./malformed.ts";
import * as pcap from "./pcap.ts";
import * as pcapng from "./pcapng.ts";

/** One captured frame; its bytes are `captured` from `offset` of the file on. */
export interface Packet {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly offset: number;
  /** Bytes kept. */
  readonly captured: number;
  /** Bytes that were on the wire; more than `captured` where the capture's snaplen cut the frame. */
  readonly length: number;
}

/** A capture that is read packet by packet. */
export interface Capture {
  readonly format: "pcap" | "pcapng";
  /** The next packet; null at the end; or a rule that the file breaks, after which there is no more. */
  next(): Packet | Malformed | null;
}

/** The capture in `view`, or why it is none. */
export function read(view: DataView): Capture | Malformed {
  if (view.byteLength < 4) return malformed("pcap", "magic", 0, "4 bytes", `${view.byteLength}`);
  return view.getUint32(0) === pcapng.SECTION ? pcapng.read(view) : pcap.read(view);
}

/** Nanoseconds from `first` to `packet`: exact for 104 days. */
export function since(first: Packet, packet: Packet): number {
  return (packet.seconds - first.seconds) * 1e9 + (packet.nanoseconds - first.nanoseconds);
}
