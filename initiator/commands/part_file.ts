// Where a copy from a device grows: NAME.aoe-part, which becomes NAME when all is there and else stays to
// be gone on with.
//
//   write ─▶ NAME.aoe-part, in order; blocks of zeros are left as holes ── finish: fsync, rename ─▶ NAME
//                └─ keep: cut to what is whole, so that its length says where to go on

import { closeSync, fsyncSync, ftruncateSync, openSync, renameSync, writeSync } from "node:fs";

import { SECTOR } from "../../wire/ata.ts";
import { usage } from "../../words/failure.ts";
import { cantWrite } from "../../words/file_error.ts";
import { lookAt } from "../session/file_error.ts";

const ZEROS = Buffer.alloc(1 << 16);

export class PartFile {
  /** Byte of the copy from which to go on; 0: a new one. */
  readonly resumeAt: number;
  readonly part: string;
  private readonly name: string;
  private readonly fd: number;
  private open = true;

  /** Throws a usage Failure where NAME, or what an earlier copy left, is there and nobody said what to do with it. */
  constructor(name: string, force: boolean, resume: boolean) {
    this.name = name;
    this.part = `${name}.aoe-part`;
    const there = lookAt(name);
    if (there !== null && !there.isFile()) {
      throw usage(`Expected ${name} to be a file; \`read -o\` writes to disks and pipes`);
    }
    if (there !== null && !force) throw usage(`${name} exists; give --force to replace it`);
    const left = lookAt(this.part);
    if (left === null && resume) {
      throw usage(`There is nothing to go on with: ${this.part} does not exist`);
    }
    if (left !== null && !resume && !force) {
      throw usage(
        `${this.part} is from an earlier copy; give --resume to continue it, or --force to start again`,
      );
    }
    this.resumeAt = resume && left !== null ? left.size - (left.size % SECTOR) : 0;
    try {
      this.fd = openSync(this.part, resume ? "r+" : "w", 0o666);
    } catch (error) {
      throw cantWrite(this.part, error);
    }
  }

  /** `at` counts from the copy's first byte. */
  write(bytes: Uint8Array, at: number): void {
    if (isZero(bytes)) return;
    try {
      let done = 0;
      while (done < bytes.length) {
        done += writeSync(this.fd, bytes, done, bytes.length - done, at + done);
      }
    } catch (error) {
      throw cantWrite(this.part, error);
    }
  }

  finish(size: number): void {
    this.end(() => {
      ftruncateSync(this.fd, size);
      fsyncSync(this.fd);
      renameSync(this.part, this.name);
    });
  }

  /** Leaves what is whole, to be gone on with. */
  keep(whole: number): void {
    this.end(() => ftruncateSync(this.fd, whole));
  }

  private end(last: () => void): void {
    if (!this.open) return;
    this.open = false;
    try {
      last();
    } catch (error) {
      throw cantWrite(this.part, error);
    } finally {
      closeSync(this.fd);
    }
  }
}

export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const end = Math.min(bytes.length, at + ZEROS.length);
    if (ZEROS.compare(bytes, at, end, 0, end - at) !== 0) return false;
  }
  return true;
}
