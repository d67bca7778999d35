// Where bytes read from a device go: a new file that has its name only when it is whole, standard
// output, or what already exists and is no regular file (a pipe, a disk).
//
//   write ─▶ .NAME.aoe-PID ── finish: fsync, rename ─▶ NAME
//                    └─ abandon, or the process ends: unlink

import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

import { usage } from "../../words/failure.ts";
import { cantWrite } from "../../words/file_error.ts";
import { lookAt } from "../session/file_error.ts";

export interface Output {
  /** `at` counts from the output's first byte; writes come in order. */
  write(bytes: Uint8Array, at: number): void;
  /** All is there. */
  finish(): void;
  abandon(): void;
}

/** `-`: standard output. Throws a usage Failure where the file exists and `force` is not given. */
export function openOutput(name: string, force: boolean): Output {
  if (name === "-") return new Stream(1, "standard output", false);
  const there = lookAt(name);
  if (there !== null && !there.isFile()) {
    if (there.isDirectory())
      throw usage(`Expected \`-o\` to be a file, got the directory \`${name}\``);
    if (there.isBlockDevice() && !force) {
      throw usage(`${name} is a disk; give --force to overwrite it`);
    }
    return new Stream(open(name, "r+"), name, true);
  }
  if (there !== null && !force) throw usage(`${name} exists; give --force to replace it`);
  return new Whole(there === null ? name : realpathSync(name));
}

const NOTHING_KEPT = ", and nothing was kept";

/** `as`: by what name the user knows it. */
function open(name: string, flags: string, as = name): number {
  try {
    return openSync(name, flags, 0o666);
  } catch (error) {
    throw cantWrite(as, error);
  }
}

class Stream implements Output {
  private readonly fd: number;
  private readonly name: string;
  private readonly owned: boolean;

  constructor(fd: number, name: string, owned: boolean) {
    this.fd = fd;
    this.name = name;
    this.owned = owned;
  }

  write(bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length) {
      try {
        done += writeSync(this.fd, bytes, done, bytes.length - done);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // A pipe that somebody set non-blocking: its reader is slower than the device.
        if (code === "EAGAIN") Bun.sleepSync(1);
        else throw cantWrite(this.name, error);
      }
    }
  }
  finish(): void {
    if (this.owned) closeSync(this.fd);
  }
  abandon(): void {
    if (this.owned) closeSync(this.fd);
  }
}

class Whole implements Output {
  private readonly name: string;
  private readonly part: string;
  private readonly fd: number;
  private open = true;
  private readonly onExit = (): void => this.abandon();

  constructor(name: string) {
    this.name = name;
    this.part = join(dirname(name), `.${basename(name)}.aoe-${process.pid}`);
    this.fd = open(this.part, "wx", name);
    // A signal ends the process by process.exit: the part must not stay behind.
    process.on("exit", this.onExit);
  }

  write(bytes: Uint8Array, at: number): void {
    let done = 0;
    try {
      while (done < bytes.length) {
        done += writeSync(this.fd, bytes, done, bytes.length - done, at + done);
      }
    } catch (error) {
      throw cantWrite(this.name, error, NOTHING_KEPT);
    }
  }

  finish(): void {
    try {
      if (fstatSync(this.fd).isFile()) fsyncSync(this.fd);
      renameSync(this.part, this.name);
    } catch (error) {
      this.abandon();
      throw cantWrite(this.name, error, NOTHING_KEPT);
    }
    this.open = false;
    closeSync(this.fd);
    process.off("exit", this.onExit);
  }

  abandon(): void {
    if (!this.open) return;
    this.open = false;
    process.off("exit", this.onExit);
    closeSync(this.fd);
    unlinkSync(this.part);
  }
}
