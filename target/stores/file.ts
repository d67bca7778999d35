// An image file or a block device, read straight into the transmit buffer and written straight from
// the received frame.
//
//   file   |<- offset ->|<------------- sectors ------------->| … |
//
// With `direct` the kernel wants aligned memory, and an ATA payload stands at byte 36 of its frame: one
// page-aligned bounce buffer per store takes the detour. A store that writes holds a lock on its file
// against every other writer that asks (two targets on one image destroy it), readers share one.

import type { Memory } from "../../link/link.ts";
import { EACCES, EAGAIN, EINVAL, EIO, ENOENT, describeErrno } from "../../sys/errno.ts";
import {
  closeFile,
  fileKind,
  fileSize,
  lockFile,
  openFile,
  readAt,
  syncFile,
  writeAt,
} from "../../sys/file.ts";
import { type Mapping, mapMemory } from "../../sys/memory.ts";
import { SECTOR } from "../../wire/ata.ts";
import { type Failure, environment, usage } from "../../words/failure.ts";
import { copyMemory } from "../../link/copy_memory.ts";
import { DONE, type Store } from "../store.ts";

export interface FileStoreOptions {
  readonly path: string;
  readonly readOnly?: boolean;
  readonly direct?: boolean;
  /** Every write is durable before it is answered. */
  readonly sync?: boolean;
  /** First sector of the file that is served; default 0. */
  readonly offset?: number;
  /** Sectors served; default all behind `offset`. */
  readonly length?: number;
}

/** Opens the file, or throws a Failure of one sentence that says what is wrong with it. */
export function openFileStore(options: FileStoreOptions): Store {
  const { path } = options;
  const write = options.readOnly !== true;
  const fd = openFile(path, {
    write,
    direct: options.direct === true,
    sync: options.sync === true,
  });
  if (fd < 0) throw cannotOpen(path, write, options.direct === true, -fd);
  try {
    return new FileStore(fd, options, range(fd, options));
  } catch (error) {
    closeFile(fd);
    throw error;
  }
}

function cannotOpen(path: string, write: boolean, direct: boolean, code: number): Failure {
  if (code === ENOENT) return environment(`The image ${path} does not exist`);
  if (code === EINVAL && direct) {
    return environment(`The file system of ${path} does not support -d (O_DIRECT)`);
  }
  if (code === EACCES && write) {
    return environment(`No permission to write the image ${path}; -r serves it read-only`);
  }
  return environment(`Can't open the image ${path}: ${describeErrno(code)}`);
}

/** Sectors to serve, after every check that an image must pass. */
function range(fd: number, options: FileStoreOptions): number {
  const { path, offset = 0 } = options;
  const kind = fileKind(fd);
  if (kind !== "file" && kind !== "block") {
    throw environment(
      `The image ${path} must be a file or a block device, and is a ${NAMES[kind]}`,
    );
  }
  const bytes = fileSize(fd);
  if (bytes < 0) throw environment(`Can't tell the size of ${path}: ${describeErrno(-bytes)}`);
  if (bytes === 0) throw environment(`The image ${path} is empty`);
  if (bytes % SECTOR !== 0) {
    throw environment(
      `The size of the image ${path} must be a multiple of ${SECTOR} bytes, and is ${bytes}`,
    );
  }
  const sectors = bytes / SECTOR - offset;
  if (sectors < 1) {
    throw usage(
      `The offset must lie within the ${bytes / SECTOR} sectors of ${path}, got ${offset}`,
    );
  }
  const length = options.length ?? sectors;
  if (length < 1 || length > sectors) {
    throw usage(
      `The length must be 1 to ${sectors} sectors, what ${path} holds from its sector ${offset} on, got ${length}`,
    );
  }
  const locked = lockFile(fd, options.readOnly !== true);
  if (locked === -EAGAIN) {
    throw environment(
      options.readOnly === true
        ? `The image ${path} is being written by another target`
        : `The image ${path} is in use by another target; only readers (-r) can share one`,
    );
  }
  if (locked < 0) throw environment(`Can't lock the image ${path}: ${describeErrno(-locked)}`);
  return length;
}

const NAMES = {
  directory: "directory",
  fifo: "FIFO",
  socket: "socket",
  character: "character device",
} as const;

/** The largest operation: 255 sectors. */
const LARGEST = 255 * SECTOR;

class FileStore implements Store {
  readonly asynchronous = false;
  readonly writable: boolean;
  readonly synchronous: boolean;
  readonly sectors: number;
  good = 0;
  private readonly start: number;
  private readonly bounce: Mapping | null;
  private readonly fd: number;

  constructor(fd: number, options: FileStoreOptions, sectors: number) {
    this.fd = fd;
    this.sectors = sectors;
    this.start = (options.offset ?? 0) * SECTOR;
    this.writable = options.readOnly !== true;
    this.synchronous = options.sync === true;
    this.bounce = options.direct === true ? mapMemory(LARGEST) : null;
    if (this.bounce !== null && readAt(fd, this.bounce, 0, SECTOR, this.start) < 0) {
      throw environment(
        `-d (O_DIRECT) needs a device with blocks of ${SECTOR} bytes, and that of ${options.path} has larger ones`,
      );
    }
  }

  read(lba: number, sectors: number, memory: Memory, offset: number): number {
    const position = this.start + lba * SECTOR;
    const length = sectors * SECTOR;
    if (this.bounce === null) return this.readAll(memory, offset, length, position);
    const result = this.readAll(this.bounce, 0, length, position);
    if (result === DONE) copyMemory(this.bounce, 0, memory, offset, length);
    return result;
  }

  write(lba: number, sectors: number, memory: Memory, offset: number): number {
    const position = this.start + lba * SECTOR;
    const length = sectors * SECTOR;
    if (this.bounce === null) return this.writeAll(memory, offset, length, position);
    copyMemory(memory, offset, this.bounce, 0, length);
    return this.writeAll(this.bounce, 0, length, position);
  }

  flush(): number {
    return Math.abs(syncFile(this.fd));
  }

  poll(): void {}

  close(): void {
    closeFile(this.fd);
    this.bounce?.unmap();
  }

  /** A partial read goes on where it stopped, so that a failure names the first bad sector. */
  private readAll(memory: BytesOf, at: number, length: number, position: number): number {
    let done = 0;
    while (done < length) {
      const got = readAt(this.fd, memory, at + done, length - done, position + done);
      // Nothing where there was something: the file was cut under our feet.
      if (got <= 0) return this.fail(got === 0 ? EIO : -got, done);
      done += got;
    }
    return DONE;
  }

  private writeAll(memory: BytesOf, at: number, length: number, position: number): number {
    let done = 0;
    while (done < length) {
      const put = writeAt(this.fd, memory, at + done, length - done, position + done);
      if (put <= 0) return this.fail(put === 0 ? EIO : -put, done);
      done += put;
    }
    return DONE;
  }

  private fail(errno: number, bytes: number): number {
    this.good = Math.floor(bytes / SECTOR);
    return errno;
  }
}

type BytesOf = Pick<Memory, "bytes" | "address">;
