// What an image must be before it is served: a file or a block device of whole sectors that nobody else
// writes; and images made on demand. Every refusal is one sentence.

import { existsSync, statSync, unlinkSync } from "node:fs";

import {
  closeFile,
  directAlignment,
  fileKind,
  fileSize,
  type FileKind,
  isInMemory,
  isStillAt,
  lockFile,
  openFile,
  readAt,
  resizeFile,
} from "../../sys/file.ts";
import { EACCES, EAGAIN, EEXIST, EINVAL, ENOENT, describeErrno } from "../../sys/errno.ts";
import { PAGE_BYTES } from "../../sys/memory.ts";
import { SECTOR } from "../../wire/ata.ts";
import { type Failure, environment, usage } from "../../words/failure.ts";
import { ANOTHER } from "./store.ts";
import { giveBounce, takeBounce } from "./bounce.ts";

export interface ImageOptions {
  readonly path: string;
  readonly readOnly?: boolean;
  readonly direct?: boolean;
  /** Every write is durable before it is answered. */
  readonly sync?: boolean;
  /** First sector of the file that is served; default 0. */
  readonly offset?: number;
  /** Sectors served; default all behind `offset`. */
  readonly length?: number;
  /** Bytes: the file is made, all hole, where there is none, and has this size where there is one. */
  readonly create?: number | undefined;
}

/** An open descriptor, or -errno. */
export function openImage(options: ImageOptions): number {
  return openFile(options.path, {
    write: options.readOnly !== true,
    direct: options.direct === true,
    sync: options.sync === true,
  });
}

export function cannotOpen({ path, readOnly, direct }: ImageOptions, code: number): Failure {
  if (code === ENOENT) {
    const hint = "; --create SIZE (`create` of a configuration) makes it";
    return environment(`The image ${path} does not exist${readOnly === true ? "" : hint}`);
  }
  if (code === EINVAL && direct === true) return noDirect(path);
  if (code === EACCES && readOnly !== true) {
    return environment(`No permission to write the image ${path}; -r serves it read-only`);
  }
  return environment(`Can't open the image ${path}: ${describeErrno(code)}`);
}

function noDirect(path: string): Failure {
  return environment(`The file system of ${path} does not support -d (O_DIRECT)`);
}

/** Makes the sparse file that `create` asks for, where there is none; whether it did. */
export function createImage({ path, create }: ImageOptions): boolean {
  if (create === undefined) return false;
  if (create < SECTOR || create % SECTOR !== 0) {
    throw usage(`The size of a new image must be a multiple of ${SECTOR} bytes, got ${create}`);
  }
  if (existsSync(path)) return false;
  const fd = openFile(path, { write: true, create: true, exclusive: true });
  if (fd === -EEXIST) return false;
  if (fd < 0) throw environment(`Can't make the image ${path}: ${describeErrno(-fd)}`);
  const result = resizeFile(fd, create);
  closeFile(fd);
  if (result === 0) return true;
  unlinkSync(path);
  throw environment(`Can't make the image ${path}: ${describeErrno(-result)}`);
}

const NAMES: Readonly<Record<FileKind, string>> = {
  file: "file",
  block: "block device",
  directory: "directory",
  fifo: "FIFO",
  socket: "socket",
  character: "character device",
};

/** Sectors to serve of the image behind `fd`. */
export function measureImage(fd: number, options: ImageOptions): number {
  const { path } = options;
  const kind = fileKind(fd);
  const bytes = kind === "file" || kind === "block" ? fileSize(fd) : 0;
  if (bytes < 0) throw environment(`Can't tell the size of ${path}: ${describeErrno(-bytes)}`);
  return checkImage(kind, bytes, options);
}

/** The same of an image that was only looked at. */
function checkImage(kind: FileKind, bytes: number, options: ImageOptions): number {
  const { path, offset = 0, create } = options;
  if (kind !== "file" && kind !== "block") {
    throw environment(
      `The image ${path} must be a file or a block device, and is a ${NAMES[kind]}`,
    );
  }
  if (create !== undefined && bytes !== create) {
    throw environment(
      `The image ${path} was to be made with ${create} bytes, and exists with ${bytes}`,
    );
  }
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
  return length;
}

/** A store that writes holds its image alone; readers share one. */
export function lockImage(fd: number, { path, readOnly }: ImageOptions): void {
  const locked = lockFile(fd, readOnly !== true);
  if (locked === -EAGAIN) {
    throw environment(
      readOnly === true
        ? `The image ${path} is being written by another target`
        : `The image ${path} is in use by another target; only readers (-r) can share one`,
    );
  }
  if (locked < 0) throw environment(`Can't lock the image ${path}: ${describeErrno(-locked)}`);
}

/** Whether reads of the image never wait for a disk. */
export function isMemoryImage({ path }: ImageOptions): boolean {
  return isInMemory(path);
}

/** Sectors to serve of a regular file, without opening it; null: it is no regular file, or not there. */
export function lookAtImage(options: ImageOptions): number | null {
  const stat = statSync(options.path, { throwIfNoEntry: false });
  return stat?.isFile() === true ? checkImage("file", stat.size, options) : null;
}

/** The same of an image that is served, by `fd` where it is open; ANOTHER: it is another file by now. */
export function measureAgain(fd: number | null, options: ImageOptions): number {
  const sectors = fd === null ? lookAtImage(options) : null;
  if (sectors !== null) return sectors;
  if (!existsSync(options.path)) throw cannotOpen(options, ENOENT);
  return fd !== null && isStillAt(fd, options.path) ? measureImage(fd, options) : ANOTHER;
}

/** What O_DIRECT wants of memory addresses; refused where it wants more than sectors of offsets. */
export function alignImage(fd: number, path: string, start: number): number {
  const told = directAlignment(fd);
  if (told === null) throw noDirect(path);
  if (told !== undefined && told.offset <= SECTOR) return told.memory;
  const probe = takeBounce(SECTOR);
  const got = told === undefined ? readAt(fd, probe, 0, SECTOR, start) : -1;
  giveBounce(probe);
  if (got >= 0) return PAGE_BYTES;
  throw environment(
    `-d (O_DIRECT) needs a device with blocks of ${SECTOR} bytes, and that of ${path} has larger ones`,
  );
}
