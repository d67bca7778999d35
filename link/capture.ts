// A link that writes down every frame, both ways, as a pcap file with ns time stamps (wire/pcap.ts).
//
// The file's bytes go to a sink that the caller hands in: nothing here does I/O. They are gathered
// and handed over when the memory is full, at close, and in `flush` once half a second has passed,
// so that a capture of a process that gets killed is not empty.
//
// A transmitted frame is written once the link below took it, and a received one before the core
// sees it. A refused or oversize frame was never on the wire and is not written. The capture shows
// the wire as it is at its place among the wrappers: outside of `faults`, what the core meant.

import { createWriter, HEADER_LENGTH, RECORD_LENGTH, type Writer } from "../wire/pcap.ts";
import * as ethernet from "../wire/ethernet.ts";
import type { FrameView, Link, LinkCounters, TxBuffer } from "./link.ts";
import { WrappedLink } from "./wrap.ts";
import type { Waiter } from "./waiter.ts";

/** Most bytes of a frame that are kept unless a snaplen says less: tcpdump's own default. */
const SNAPLEN = 262_144;
const MEMORY = 1 << 18;
const FLUSH_EVERY = 500e6;

export interface CaptureOptions {
  readonly clock: Pick<Waiter, "now">;
  /** Takes the file's next bytes; they are written over after it returns. */
  readonly sink: (bytes: Uint8Array) => void;
  /** Bytes kept of each frame, at most; 262,144. */
  readonly snaplen?: number;
  /** Whether the file's header goes to the sink first; true. False for a file that has one (capture_file.ts). */
  readonly header?: boolean;
  /** Seconds since 1970 when the clock showed 0, fraction included; 0. */
  readonly epochSeconds?: number;
}

export interface CaptureLink extends Link {
  readonly captured: { readonly frames: number; readonly bytes: number };
}

export function createCapture(inner: Link, options: CaptureOptions): CaptureLink {
  return new CapturedLink(inner, options);
}

class CapturedLink extends WrappedLink implements CaptureLink {
  readonly captured = { frames: 0, bytes: 0 };
  /** The link's own live object: asking for it may cost a system call. */
  private readonly below: Readonly<LinkCounters>;
  private readonly clock: Pick<Waiter, "now">;
  private readonly sink: (bytes: Uint8Array) => void;
  private readonly snaplen: number;
  private readonly writer: Writer;
  private readonly memory: Uint8Array;
  /** ns to add to the clock so that whole seconds stay with the writer. */
  private readonly offset: number;
  private writtenAt = 0;
  private open = true;

  private visit: ((frame: FrameView) => void) | null = null;
  private readonly meet = (frame: FrameView): void => {
    this.write(frame.view, frame.base, frame.length, frame.at);
    (this.visit as (frame: FrameView) => void)(frame);
  };

  constructor(inner: Link, options: CaptureOptions) {
    super(inner);
    const epoch = options.epochSeconds ?? 0;
    const seconds = Math.floor(epoch);
    this.below = inner.counters;
    this.clock = options.clock;
    this.sink = options.sink;
    this.snaplen = options.snaplen ?? SNAPLEN;
    this.offset = Math.round((epoch - seconds) * 1e9);
    const frame = Math.min(this.snaplen, 65_536 + ethernet.LENGTH);
    this.memory = new Uint8Array(Math.max(MEMORY, HEADER_LENGTH + RECORD_LENGTH + frame));
    this.writer = createWriter(new DataView(this.memory.buffer), seconds, this.snaplen);
    if (options.header === false) this.writer.clear();
  }

  override receive(visit: (frame: FrameView) => void, limit: number): number {
    this.visit = visit;
    return this.inner.receive(this.meet, limit);
  }

  override transmit(buffer: TxBuffer, length: number): boolean {
    const errors = this.below.transmitErrors;
    if (!this.inner.transmit(buffer, length)) return false;
    if (this.below.transmitErrors === errors) {
      this.write(buffer.view, 0, length, this.clock.now());
    }
    return true;
  }

  override flush(): void {
    this.inner.flush();
    if (this.writer.length() === 0) return;
    const now = this.clock.now();
    if (now - this.writtenAt < FLUSH_EVERY) return;
    this.writtenAt = now;
    this.handOver();
  }

  override close(): void {
    if (this.open) this.handOver();
    this.open = false;
    this.inner.close();
  }

  private write(view: DataView, base: number, length: number, at: number): void {
    if (!this.open) return;
    const ns = at + this.offset;
    if (!this.writer.append(view, base, length, ns)) {
      this.handOver();
      if (!this.writer.append(view, base, length, ns)) {
        throw new Error(`invariant: a frame of ${length} bytes fits ${this.memory.length}`);
      }
    }
    this.captured.frames++;
    this.captured.bytes += Math.min(length, this.snaplen);
  }

  private handOver(): void {
    const length = this.writer.length();
    if (length === 0) return;
    this.sink(this.memory.subarray(0, length));
    this.writer.clear();
  }
}
