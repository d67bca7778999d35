// What file stores share: operations that go on beside the loop, and a bound on open files.
//
//   store ─ begin ─▶ operation ─▶ sys/blocking_io.ts ─▶ … ─▶ poll ─▶ rest of a short read? again
//                       └ bounce, where the memory has no address or not the alignment        └▶ ended
//
// Opened at its first operation: a target whose reads are all cached never has a ring or a Worker.

import type { Memory } from "../../link/link.ts";
import type { BlockingIo, BlockingKind } from "../../sys/blocking_io.ts";
import { EAGAIN, EINTR, EIO } from "../../sys/errno.ts";
import { mostDescriptors } from "../../sys/file.ts";
import type { Mapping } from "../../sys/memory.ts";
import { SECTOR } from "../../wire/ata.ts";
import { copyMemory } from "../../link/copy_memory.ts";
import { type Completions, DONE, type Ended } from "./store.ts";
import { giveBounce, takeBounce } from "./bounce.ts";
import { RecentPages } from "./recent_pages.ts";
import { openBlockingIo } from "../../sys/open_blocking_io.ts";

export type Kind = "read" | "write" | "sync";

/** Token of a store's last flush, whose end the store tells by itself. */
export const SETTLE = -1;

/** A store as its operations see it. */
export interface OpenFile {
  readonly fd: number;
  /** Memory addresses are multiples of it. */
  readonly alignment: number;
  /** Operations of it that go on. */
  pending: number;
  usedAt: number;
  /** An operation of the store is over. */
  operationEnded(kind: Kind, errno: number, token: number): void;
  /** Gives up its descriptor, to be opened again on next use. */
  evict(): void;
}

interface Operation {
  file: OpenFile | null;
  token: number;
  kind: Kind;
  memory: Memory | null;
  offset: number;
  length: number;
  position: number;
  done: number;
  address: number;
  bounce: Mapping | null;
}

export interface FileIoOptions {
  /** Insists on one way of not blocking; default io_uring where there is one. */
  readonly kind?: BlockingKind;
  /** Called once, when the first operation needs it: `fd` becomes readable when something ended. */
  readonly onOpen?: (io: BlockingIo) => void;
  /** What does the operations, in place of `kind`: for tests. */
  readonly open?: () => BlockingIo;
  /** Files open at one time; default what the process may have, less some for everything else. */
  readonly mostOpen?: number;
}

/** Descriptors left to sockets, rings, Bun and whatever else. */
const OTHER_DESCRIPTORS = 256;

export class FileIo implements Completions {
  readonly signals: boolean;
  private readonly options: FileIoOptions;
  private readonly operations: Operation[] = [];
  private readonly free: number[] = [];
  private readonly open: OpenFile[] = [];
  private readonly mostOpen: number;
  private io: BlockingIo | null = null;
  private clock = 0;
  private tell: Ended = () => {};
  /** Flushes that go on: a buffered write may then wait for the journal, and goes beside the loop too. */
  flushes = 0;
  /** What `tellTime` was told, ns; -1: nobody tells. */
  now = -1;
  /** What `clock` was then: files used since may be in answers that a link has gathered. */
  private turn = Number.POSITIVE_INFINITY;
  /** What mapped files know of the page cache; each file has a number there. */
  readonly recent = new RecentPages();
  files = 0;
  /** Operations begun beside the loop since the start. */
  begun = 0;

  constructor(options: FileIoOptions = {}) {
    this.options = options;
    this.signals = options.onOpen !== undefined;
    this.mostOpen = options.mostOpen ?? Math.max(64, mostDescriptors() - OTHER_DESCRIPTORS);
    if (options.kind !== undefined) this.blocking();
  }

  get pending(): number {
    return this.io?.pending ?? 0;
  }

  /** An iteration of the loop begins at `now` (ns): who says so spares stores a look at the clock for each request. */
  tellTime(now: number): void {
    this.now = now;
    this.turn = this.clock;
    this.recent.tell(now);
  }

  /** `io_uring`, `worker` and why, or that there was no need yet. */
  describe(): { kind: BlockingKind | "none yet"; reason: string; begun: number; pending: number } {
    const { io, begun, pending } = this;
    return { kind: io?.kind ?? "none yet", reason: io?.reason ?? "", begun, pending };
  }

  private blocking(): BlockingIo {
    if (this.io === null) {
      this.io = this.options.open?.() ?? openBlockingIo(this.options.kind);
      this.options.onOpen?.(this.io);
    }
    return this.io;
  }

  /** `token` comes back through `poll`. The memory is the operation's until then. */
  begin(
    file: OpenFile,
    kind: Kind,
    token: number,
    memory: Memory | null,
    offset: number,
    length: number,
    position: number,
  ): void {
    const id = this.free.pop() ?? this.make();
    const operation = this.operations[id] as Operation;
    operation.file = file;
    operation.kind = kind;
    operation.token = token;
    operation.memory = memory;
    operation.offset = offset;
    operation.length = length;
    operation.position = position;
    operation.done = 0;
    if (memory !== null) {
      operation.address = memory.address + offset;
      if (memory.address === 0 || operation.address % file.alignment !== 0) {
        const bounce = takeBounce(length);
        if (kind === "write") copyMemory(memory, offset, bounce, 0, length);
        operation.bounce = bounce;
        operation.address = bounce.address;
      }
    }
    file.pending++;
    this.begun++;
    if (kind === "sync") this.flushes++;
    this.submit(id, operation);
  }

  private make(): number {
    this.operations.push({
      file: null,
      token: 0,
      kind: "sync",
      memory: null,
      offset: 0,
      length: 0,
      position: 0,
      done: 0,
      address: 0,
      bounce: null,
    });
    return this.operations.length - 1;
  }

  private submit(id: number, operation: Operation): void {
    const { file, kind, address, done, length, position } = operation;
    if (file === null) throw new Error("invariant: an operation has a file");
    const io = this.blocking();
    if (kind === "read") io.read(file.fd, address + done, length - done, position + done, id);
    else if (kind === "write")
      io.write(file.fd, address + done, length - done, position + done, id);
    else io.sync(file.fd, id);
  }

  poll(ended: Ended): void {
    if (this.io === null || this.io.pending === 0) return;
    this.tell = ended;
    this.io.reap(this.ended);
  }

  private readonly ended = (id: number, result: number): void => {
    const operation = this.operations[id] as Operation;
    if (result === -EINTR || result === -EAGAIN) {
      this.submit(id, operation);
      return;
    }
    let errno = DONE;
    if (result < 0) {
      errno = -result;
    } else if (operation.kind !== "sync") {
      operation.done += result;
      // A part moves at a time, so that a failure names the first bad sector; nothing where there was
      // something: the file was cut under our feet.
      if (operation.done < operation.length && result > 0) {
        this.submit(id, operation);
        return;
      }
      if (operation.done < operation.length) errno = EIO;
    }
    this.finish(id, operation, errno);
  };

  private finish(id: number, operation: Operation, errno: number): void {
    const { file, kind, memory, bounce, token, done } = operation;
    if (file === null) throw new Error("invariant: an operation ends once");
    if (bounce !== null) {
      if (kind === "read" && memory !== null && errno === DONE) {
        copyMemory(bounce, 0, memory, operation.offset, operation.length);
      }
      giveBounce(bounce);
      operation.bounce = null;
    }
    operation.file = null;
    operation.memory = null;
    this.free.push(id);
    file.pending--;
    if (kind === "sync") this.flushes--;
    file.operationEnded(kind, errno, token);
    if (token !== SETTLE) this.tell(token, errno, Math.floor(done / SECTOR));
  }

  /** A file is about to be opened: another one gives way where there are too many. */
  opening(file: OpenFile): void {
    if (this.open.length >= this.mostOpen) this.evictOne();
    // Or it would be the first to give way itself, should the process be able to open no more.
    this.used(file);
    this.open.push(file);
  }

  closed(file: OpenFile): void {
    const at = this.open.indexOf(file);
    if (at < 0) return;
    const last = this.open.pop() as OpenFile;
    if (last !== file) this.open[at] = last;
  }

  used(file: OpenFile): void {
    file.usedAt = ++this.clock;
  }

  /** False: every file has something going on, or was used in this iteration. */
  evictOne(): boolean {
    let oldest: OpenFile | null = null;
    for (const file of this.open) {
      if (file.pending > 0 || file.usedAt > this.turn) continue;
      if (oldest === null || file.usedAt < oldest.usedAt) oldest = file;
    }
    oldest?.evict();
    return oldest !== null;
  }

  /**
   * Where operations have not ended nothing is closed: the kernel still moves their memory, which must stay until this
   * process has ended.
   */
  close(): void {
    if (this.pending > 0) return;
    this.io?.close();
    this.io = null;
  }
}
