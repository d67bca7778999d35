// A capture as a row of packets, whichever format its file has (read_capture.ts). A damaged file gives what
// stands before the damage, and then a value that names it.
//
// Seconds and nanoseconds stay apart: since 1970 they don't fit one number exactly.

import type { Malformed } from "./malformed.ts";

/** One captured frame; its bytes are `captured` from `offset` of `view` on, until the next one is asked for. */
export interface Packet {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly view: DataView;
  readonly offset: number;
  /** Bytes kept. */
  readonly captured: number;
  /** Bytes that were on the wire; more than `captured` where the capture's snaplen cut the frame. */
  readonly length: number;
  /** What its first header is (link_layer.ts). */
  readonly linktype: number;
  /** By which of the capture's interfaces it came. */
  readonly interface: number;
  /** Whether the capturing host sent it; null: the capture does not tell. */
  readonly sent: boolean | null;
}

/** What has come so far holds no whole packet more. */
export const MORE = "more";

/** A capture that is read packet by packet. */
export interface Capture {
  readonly format: "pcap" | "pcapng";
  /** Blocks of a type that no specification names, by that type: they were stepped over. */
  readonly unknownBlocks: ReadonlyMap<number, number>;
  /** The next packet; null at the end; or a rule that the file breaks, after which there is no more. */
  next(): Packet | Malformed | typeof MORE | null;
}

/** Nanoseconds from `first` to `packet`: exact for 104 days. */
export function since(
  first: Pick<Packet, "nanoseconds" | "seconds">,
  packet: Pick<Packet, "nanoseconds" | "seconds">,
): number {
  return (packet.seconds - first.seconds) * 1e9 + (packet.nanoseconds - first.nanoseconds);
}
