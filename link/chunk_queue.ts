// The rings of an AF_XDP socket whose memory is buffers: frames put and kicked, and chunks named
// when the kernel has released them.
//
// Both rings have an entry for each chunk, and a pinned buffer is not sent again: neither is ever
// full. What can go wrong with a kick, and what is done then:
//   no room (EAGAIN, ENOBUFS)  the frame stands in the ring, sent and pinned; `kick` tries again
//   the device drops (EBUSY)   `dropped` is called; the completion ring names it like any other
//   interface down or gone     the kernel has not looked: the frame is taken back
// A driver that sends by zero copy and is awake takes frames without a kick.

import { EBUSY, ENETDOWN, ENXIO } from "../sys/errno.ts";
import { NEED_WAKEUP, type XdpRings } from "../sys/xdp_rings.ts";

/** Words of a descriptor, and the word that is the length. */
const WORDS = 4;
const LENGTH = 2;

export class ChunkQueue {
  /** Frames stand in the ring that the kernel had no room for. */
  unsent = false;
  private readonly chunks: number;
  private readonly dropped: () => void;
  private rings: XdpRings | null;
  /** Descriptors ever put, and completions ever read, modulo 2^32. */
  private put = 0;
  private seen = 0;

  /** `chunks`: a power of two. `dropped`: a frame that was said to be sent never left. */
  constructor(rings: XdpRings, chunks: number, dropped: () => void) {
    this.rings = rings;
    this.chunks = chunks;
    this.dropped = dropped;
  }

  /** False: there is no AF_XDP on the interface that is there now. */
  get isOpen(): boolean {
    return this.rings !== null;
  }

  /** The socket is another one now, and what stood in the old one's rings is gone. */
  replace(rings: XdpRings | null): void {
    this.rings = rings;
    this.put = 0;
    this.seen = 0;
    this.unsent = false;
  }

  /** 0: the frame at `offset` of the memory is the kernel's; an errno: it was not looked at. */
  send(offset: number, length: number): number {
    const { rings } = this;
    if (rings === null) return ENXIO;
    const { words, producer } = rings;
    const at = rings.descriptors + (this.put & (this.chunks - 1)) * WORDS;
    words[at] = offset;
    words[at + LENGTH] = length;
    this.put = (this.put + 1) | 0;
    Atomics.store(words, producer, this.put);
    const code = this.kick();
    if (code === 0) return 0;
    this.put = (this.put - 1) | 0;
    Atomics.store(words, producer, this.put);
    return code;
  }

  /** 0, or the errno with which the kernel did not look at the ring. */
  kick(): number {
    const { rings } = this;
    if (rings === null) return 0;
    const { words, consumer, flags } = rings;
    const isAwake = (Atomics.load(words, flags) & NEED_WAKEUP) === 0;
    for (let left = this.chunks; left >= 0 && !isAwake; left--) {
      const code = rings.kick();
      if (code === ENETDOWN || code === ENXIO) return code;
      if (code !== EBUSY) break;
      // One frame was dropped, and those behind it wait for the next call.
      this.dropped();
    }
    this.unsent = Atomics.load(words, consumer) !== this.put;
    return 0;
  }

  /** Visits the offset of each frame that was released since the last call. */
  released(visit: (offset: number) => void): void {
    const { rings, chunks } = this;
    if (rings === null) return;
    const { done, doneAddresses } = rings;
    const until = Atomics.load(done, rings.doneProducer);
    for (; this.seen !== until; this.seen = (this.seen + 1) | 0) {
      visit(done[doneAddresses + (this.seen & (chunks - 1)) * 2] ?? 0);
    }
    Atomics.store(done, rings.doneConsumer, this.seen);
  }

  close(): void {
    this.rings?.close();
  }
}
