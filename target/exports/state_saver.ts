// Saves states beside the loop: two fsyncs, some milliseconds each, in which frames of all exports are answered. An
// export has one save on the way at a time and gathers what changes meanwhile (export.ts).
//
//   save ─▶ a Worker: sys/replace_file.ts ─▶ … ─▶ poll ─▶ ended(errno)

import type { BlockingIo } from "../../sys/blocking_io.ts";
import { type IoWorkers, openIoWorkers } from "../../sys/io_workers.ts";

export class StateSaver {
  private readonly onOpen: (io: BlockingIo) => void;
  private io: IoWorkers | null = null;
  private readonly waiting = new Map<number, (errno: number) => void>();
  private token = 0;

  /** `onOpen` is called once, at the first save: its `fd` becomes readable when one has ended. */
  constructor(onOpen: (io: BlockingIo) => void = () => {}) {
    this.onOpen = onOpen;
  }

  /** Replaces the file; `ended` hears from within `poll` 0 once it is durable, or an errno: it is as it was. */
  save(path: string, bytes: Uint8Array, ended: (errno: number) => void): void {
    if (this.io === null) {
      this.io = openIoWorkers("");
      this.onOpen(this.io);
    }
    this.token = (this.token + 1) % 2 ** 31;
    this.waiting.set(this.token, ended);
    this.io.replace(path, bytes, this.token);
  }

  poll(): void {
    if (this.waiting.size > 0) this.io?.reap(this.told);
  }

  private readonly told = (token: number, result: number): void => {
    const ended = this.waiting.get(token);
    this.waiting.delete(token);
    ended?.(Math.abs(result));
  };

  /** What has not ended goes with the process, and leaves the file as it was or as it is to be. */
  close(): void {
    if (this.waiting.size === 0) this.io?.close();
    this.io = null;
  }
}
