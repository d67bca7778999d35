// Tells the format of a capture file by its first four bytes, and opens it.

import { ByteWindow } from "./byte_window.ts";
import { type Capture, MORE, type Packet } from "./capture.ts";
import { type Malformed, malformed } from "./malformed.ts";
import * as pcap from "./pcap.ts";
import * as pcapng from "./pcapng.ts";

/** The capture in `window`, why it is none, or MORE: too little of it is here to tell. */
export function open(window: ByteWindow): Capture | Malformed | typeof MORE {
  if (window.left < pcap.HEADER_LENGTH && !window.ended) return MORE;
  if (window.left < 4) return malformed("pcap", "magic", 0, "4 bytes", `${window.left}`);
  const first = window.view.getUint32(window.base);
  return first === pcapng.SECTION ? pcapng.open(window) : pcap.open(window);
}

/** A capture that is here as a whole. */
export interface WholeCapture extends Capture {
  next(): Packet | Malformed | null;
}

/** The capture in `view`, or why it is none; offsets of packets are the file's own. */
export function read(view: DataView): WholeCapture | Malformed {
  return open(ByteWindow.of(view)) as WholeCapture | Malformed;
}
