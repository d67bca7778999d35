//   file     0 ─────── gone ─────── offset ──── left ────┬───── not here yet ─────
//                                   ▼                    ▼
//   memory                    [ … [ base            end [ … ]
//
// The part of a file that is here. A reader takes from its start, the owner of the file appends at its end: so a
// capture is read in bounded memory, from a pipe as from a file. A whole file is a window that has ended.

export class ByteWindow {
  /** The memory; what a packet is told to be at stays there until the next push. */
  view: DataView;
  /** Where in `view` the next byte stands. */
  base = 0;
  /** Where in the file it stands. */
  offset = 0;
  /** Nothing comes behind what is here. */
  ended = false;
  /** Bytes to be thrown away before the next one, which are not here yet. */
  missing = 0;
  private end = 0;

  constructor(view: DataView = new DataView(new ArrayBuffer(65_536))) {
    this.view = view;
  }

  /** A file that is here as a whole. */
  static of(view: DataView): ByteWindow {
    const window = new ByteWindow(view);
    window.end = view.byteLength;
    window.ended = true;
    return window;
  }

  get left(): number {
    return this.end - this.base;
  }

  /** Puts a copy of `bytes` behind what is here. */
  push(bytes: Uint8Array): void {
    const skipped = Math.min(this.missing, bytes.length);
    this.missing -= skipped;
    this.offset += skipped;
    const fresh = bytes.subarray(skipped);
    if (this.end + fresh.length > this.view.byteLength) this.makeRoom(fresh.length);
    new Uint8Array(this.view.buffer, this.end).set(fresh);
    this.end += fresh.length;
  }

  /** Leaves out the next `count` bytes, here or not. */
  skip(count: number): void {
    const here = Math.min(count, this.left);
    this.base += here;
    this.offset += here;
    this.missing += count - here;
  }

  private makeRoom(more: number): void {
    const kept = new Uint8Array(this.view.buffer, this.base, this.left);
    const needed = kept.length + more;
    // A window of twice what it holds is moved once for each time that it is filled.
    const size = Math.max(this.view.byteLength, 2 * needed);
    const memory = size === this.view.byteLength ? this.view : new DataView(new ArrayBuffer(size));
    new Uint8Array(memory.buffer).set(kept);
    this.view = memory;
    this.end = kept.length;
    this.base = 0;
  }
}
