// An image file or a block device, read straight into the transmit buffer and written straight from
// the received frame.
//
//   file   |<- offset ->|<------------- sectors ------------->| … |
//
//   read    just used ──▶ sent out of the mapped page cache (`addressOf`)
//           cached ──▶ preadv2(RWF_NOWAIT) into the buffer      cold, or -d ──▶ beside the loop
//   write   just used ──▶ through the mapping into the page cache
//           pwrite into the page cache                          -s, -d, or a flush goes on ──▶ beside the loop
//   flush   fdatasync beside the loop: covers all writes that have been answered, since they have ended
//
// Without a FileIo everything is done at once, and blocks. A store that writes holds a lock on its file
// against every other writer that asks (two targets on one image destroy it), readers share one. A lazy
// store opens its file on first use, and may have to close it again for another's sake.

import { unlinkSync } from "node:fs";

import type { Memory } from "../../link/link.ts";
import { EIO, EMFILE, EOPNOTSUPP } from "../../sys/errno.ts";
import {
  closeFile,
  fileSize,
  lockFile,
  readAt,
  readCachedAt,
  syncFile,
  unlockFile,
  writeAt,
} from "../../sys/file.ts";
import { type MappedFile, mapFile } from "../../sys/mapped_file.ts";
import { SECTOR } from "../../wire/ata.ts";
import { copyMemory } from "../../link/copy_memory.ts";
import { type Completions, DONE, PENDING, type Store, WOULD_WAIT } from "./store.ts";
import { giveBounce, takeBounce } from "./bounce.ts";
import { type FileIo, type Kind, type OpenFile, SETTLE } from "./file_io.ts";
import {
  alignImage,
  cannotOpen,
  createImage,
  type ImageOptions,
  isMemoryImage,
  lockImage,
  lookAtImage,
  measureAgain,
  measureImage,
  openImage,
} from "./image.ts";
import { moved, moveWhole } from "./whole.ts";

export interface FileStoreOptions extends ImageOptions {
  /** What takes the operations that would block; absent: they block. */
  readonly io?: FileIo;
  /** A regular file is opened on first use only. */
  readonly lazy?: boolean;
}

/** Opens the file, or throws a Failure of one sentence that says what is wrong with it. */
export function openFileStore(options: FileStoreOptions): Store {
  const made = createImage(options);
  try {
    if (options.lazy === true && options.io !== undefined) {
      const sectors = lookAtImage(options);
      if (sectors !== null) return new FileStore(options, sectors, made);
    }
    const store = new FileStore(options, null, made);
    const code = store.open();
    if (code !== 0) throw cannotOpen(options, code);
    return store;
  } catch (error) {
    if (made) unlinkSync(options.path);
    throw error;
  }
}

const CLOSED = -1;
/** How long the end of an image is taken for where it was, ns. */
const END_AGAIN = 1e6;

/** How cached reads are told from cold ones. */
type Reads = "ask" | "never cold" | "beside";

class FileStore implements Store, OpenFile {
  // What a cached read looks at stands in front: with thousands of stores each cache line is a miss.
  readonly asynchronous: boolean;
  sectors: number;
  fd = CLOSED;
  usedAt = 0;
  private readonly start: number;
  private readonly io: FileIo | null;
  private reads: Reads;
  /** Its number among those whose pages are remembered; -1: they are not. */
  private readonly number: number;
  private mapped: MappedFile | null = null;
  private unmappable = false;
  readonly writable: boolean;
  readonly synchronous: boolean;
  readonly completions?: Completions;
  good = 0;
  alignment = 1;
  pending = 0;
  private readonly options: FileStoreOptions;
  /** Something was written that no flush has covered. */
  private dirty = false;
  /** Errno of the first flush that failed: what was written before it may be lost. */
  private lost = DONE;
  private settled: (errno: number) => void = () => {};
  private closing = false;
  /** The image was not there before. */
  private readonly made: boolean;
  /** A successor has the lock. */
  private unlocked = false;
  /** Where the image ended when that was looked up last, and when that was (FileIo's `now`). */
  private end = 0;
  private endAt = Number.NEGATIVE_INFINITY;

  /** `sectors` null: to be measured when opened. */
  constructor(options: FileStoreOptions, sectors: number | null, made: boolean) {
    this.options = options;
    this.made = made;
    this.io = options.io ?? null;
    this.asynchronous = this.io !== null;
    if (this.io !== null) this.completions = this.io;
    this.writable = options.readOnly !== true;
    this.synchronous = options.sync === true;
    this.number = this.io === null || options.direct === true ? -1 : this.io.files++;
    this.start = (options.offset ?? 0) * SECTOR;
    this.sectors = sectors ?? 0;
    this.reads = this.io === null ? "never cold" : options.direct === true ? "beside" : "ask";
  }

  /** 0 or an errno; throws what an image is refused for. */
  open(): number {
    const { options, io } = this;
    io?.opening(this);
    let fd = openImage(options);
    if (fd === -EMFILE && io?.evictOne() === true) fd = openImage(options);
    if (fd < 0) {
      io?.closed(this);
      return -fd;
    }
    try {
      const sectors = measureImage(fd, options);
      if (this.sectors === 0) this.sectors = sectors;
      if (!this.unlocked) lockImage(fd, options);
      if (options.direct === true) this.alignment = alignImage(fd, options.path, this.start);
    } catch (error) {
      io?.closed(this);
      closeFile(fd);
      throw error;
    }
    this.fd = fd;
    this.endAt = Number.NEGATIVE_INFINITY;
    return 0;
  }

  /** Opens what is closed: 0 or an errno. What was said at the start about an image is no one's answer now. */
  private ready(): number {
    if (this.fd !== CLOSED) return 0;
    try {
      return this.open();
    } catch {
      return EIO;
    }
  }

  readNow(lba: number, sectors: number, memory: Memory, offset: number): number {
    if (this.fd === CLOSED) {
      const code = this.ready();
      if (code !== 0) return this.fail(code, 0);
    }
    this.io?.used(this);
    const position = this.start + lba * SECTOR;
    const length = sectors * SECTOR;
    if (this.reads === "never cold") {
      const result = this.readAll(memory, offset, length, position);
      if (result === DONE && this.number >= 0) this.io?.recent.note(this.number, position, length);
      return result;
    }
    if (this.reads === "beside" || memory.address === 0) return WOULD_WAIT;
    const got = readCachedAt(this.fd, memory, offset, length, position);
    if (got === length) {
      if (this.number >= 0) this.io?.recent.note(this.number, position, length);
      return DONE;
    }
    if (got === -EOPNOTSUPP) {
      this.reads = isMemoryImage(this.options) ? "never cold" : "beside";
      return this.readNow(lba, sectors, memory, offset);
    }
    // Cold, in part or whole, or an error that the real read will tell better.
    return WOULD_WAIT;
  }

  read(lba: number, sectors: number, memory: Memory, offset: number, token: number): number {
    const now = this.readNow(lba, sectors, memory, offset);
    if (now !== WOULD_WAIT) return now;
    return this.begin("read", token, memory, offset, lba, sectors);
  }

  writeNow(lba: number, sectors: number, memory: Memory, offset: number): number {
    const { io, options } = this;
    const code = this.ready();
    if (code !== 0) return this.fail(code, 0);
    io?.used(this);
    const position = this.start + lba * SECTOR;
    const length = sectors * SECTOR;
    if (position + length > this.endNow()) return this.isCut(position);
    this.dirty = true;
    if (io !== null && (this.synchronous || options.direct === true || io.flushes > 0)) {
      return WOULD_WAIT;
    }
    if (io === null || this.number < 0) return this.writeAll(memory, offset, length, position);
    const mapped = memory.address === 0 ? null : this.mapping(position, length);
    // A page that is gone, or for which there is no room: an ordinary write says which.
    if (mapped !== null) {
      if (mapped.write(memory.address + offset, length, position) === length) return DONE;
      this.endAt = Number.NEGATIVE_INFINITY;
      if (position + length > this.endNow()) return this.isCut(position);
    }
    const result = this.writeAll(memory, offset, length, position);
    if (result === DONE) io.recent.note(this.number, position, length);
    return result;
  }

  /** Looked up once a millisecond at most, where somebody tells the time. */
  private endNow(): number {
    const now = this.io?.now ?? -1;
    if (now < 0 || now - this.endAt >= END_AGAIN) {
      this.end = fileSize(this.fd);
      this.endAt = now;
    }
    return this.end;
  }

  /** What is written behind the end of an image that was cut would make it grow again. */
  private isCut(position: number): number {
    return this.fail(EIO, Math.max(0, this.end - position));
  }

  addressOf(lba: number, sectors: number): number {
    if (this.fd === CLOSED || this.number < 0) return 0;
    const position = this.start + lba * SECTOR;
    const mapped = this.mapping(position, sectors * SECTOR);
    if (mapped === null) return 0;
    this.io?.used(this);
    return mapped.address + position;
  }

  /** The file's mapping where these bytes were in memory a moment ago. */
  private mapping(position: number, length: number): MappedFile | null {
    if (this.unmappable || this.io?.recent.has(this.number, position, length) !== true) return null;
    if (this.mapped === null) {
      this.mapped = mapFile(this.fd, this.start + this.sectors * SECTOR, this.writable);
      this.unmappable = this.mapped === null;
    }
    return this.mapped;
  }

  write(lba: number, sectors: number, memory: Memory, offset: number, token: number): number {
    const now = this.writeNow(lba, sectors, memory, offset);
    if (now !== WOULD_WAIT) return now;
    return this.begin("write", token, memory, offset, lba, sectors);
  }

  flush(token: number): number {
    if (this.io === null) {
      this.dirty = true;
      let result = DONE;
      this.settle((errno) => {
        result = errno;
      });
      return result;
    }
    const code = this.ready();
    if (code !== 0) return this.fail(code, 0);
    this.dirty = false;
    this.io.begin(this, "sync", token, null, 0, 0, 0);
    return PENDING;
  }

  private begin(
    kind: Kind,
    token: number,
    memory: Memory,
    offset: number,
    lba: number,
    sectors: number,
  ): number {
    const position = this.start + lba * SECTOR;
    this.io?.begin(this, kind, token, memory, offset, sectors * SECTOR, position);
    return PENDING;
  }

  operationEnded(kind: Kind, errno: number, token: number): void {
    if (kind === "sync" && errno !== DONE) this.lost = errno;
    if (kind === "write") this.dirty = true;
    if (token === SETTLE) this.settled(errno);
    if (this.closing && this.pending === 0) this.shut();
  }

  poll(): void {}

  settle(ended: (errno: number) => void): void {
    // It may have been closed for another's sake, with writes that are not durable yet.
    const code = this.lost === DONE && this.dirty ? this.ready() : this.lost;
    if (code !== DONE || !this.dirty) {
      ended(code);
      return;
    }
    this.dirty = false;
    if (this.io === null) {
      this.lost = Math.abs(syncFile(this.fd));
      ended(this.lost);
      return;
    }
    this.settled = ended;
    this.io.begin(this, "sync", SETTLE, null, 0, 0, 0);
  }

  measure(create: number | null): number {
    const options = { ...this.options, create: create ?? undefined };
    return measureAgain(this.fd === CLOSED ? null : this.fd, options);
  }

  resize(sectors: number): void {
    this.sectors = sectors;
    this.endAt = Number.NEGATIVE_INFINITY;
    this.mapped?.unmap();
    this.mapped = null;
    this.unmappable = false;
  }

  lock(held: boolean): void {
    this.unlocked = !held;
    if (this.fd === CLOSED) return;
    if (held) lockFile(this.fd, this.writable);
    else unlockFile(this.fd);
  }

  undo(): void {
    this.close();
    if (this.made) unlinkSync(this.options.path);
  }

  evict(): void {
    this.shut();
  }

  close(): void {
    this.closing = true;
    if (this.pending === 0) this.shut();
  }

  private shut(): void {
    if (this.fd === CLOSED) return;
    this.mapped?.unmap();
    this.mapped = null;
    // The kernel may hold the file of an io_uring operation a little longer, and with it the lock.
    if (!this.unlocked) unlockFile(this.fd);
    closeFile(this.fd);
    this.fd = CLOSED;
    this.io?.closed(this);
  }

  private readAll(memory: Memory, at: number, length: number, position: number): number {
    const bounce = this.needsBounce(memory, at) ? takeBounce(length) : null;
    const into = bounce ?? memory;
    const errno = moveWhole(readAt, this.fd, into, bounce === null ? at : 0, length, position);
    if (bounce !== null) {
      if (errno === DONE) copyMemory(bounce, 0, memory, at, length);
      giveBounce(bounce);
    }
    return errno === DONE ? DONE : this.fail(errno, moved);
  }

  private writeAll(memory: Memory, at: number, length: number, position: number): number {
    const bounce = this.needsBounce(memory, at) ? takeBounce(length) : null;
    if (bounce !== null) copyMemory(memory, at, bounce, 0, length);
    const from = bounce ?? memory;
    const errno = moveWhole(writeAt, this.fd, from, bounce === null ? at : 0, length, position);
    if (bounce !== null) giveBounce(bounce);
    return errno === DONE ? DONE : this.fail(errno, moved);
  }

  private needsBounce(memory: Memory, at: number): boolean {
    if (this.alignment === 1) return false;
    return memory.address === 0 || (memory.address + at) % this.alignment !== 0;
  }

  private fail(errno: number, bytes: number): number {
    this.good = Math.floor(bytes / SECTOR);
    return errno;
  }
}
