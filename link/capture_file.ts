// The file of a capture, which several links may share. It is a side output: where it can't be written any more (a full
// disk, a reader of a FIFO that is gone or too slow) the capture ends with one sentence, whole up to there, and nothing
// else ends or waits.

import { closeSync, constants, ftruncateSync, openSync, writeSync } from "node:fs";

import { fileHeader, wholeRecords } from "../wire/pcap.ts";
import { cantWrite, fileReason } from "../words/file_error.ts";

export interface CaptureFile {
  /** Takes whole records, as `createCapture` without `header` makes them. */
  readonly sink: (bytes: Uint8Array) => void;
  close(): void;
}

const CLOSED = -1;
/** What the reader of a FIFO may be behind, bytes, and for how long it is waited for at the end, ms. */
const MOST_BEHIND = 16 << 20;
const PATIENCE = 1000;
const PAUSE = 10;
/** A FIFO takes what it has room for; opened otherwise it waits for its reader, and hears no signal. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;

/** Throws an environment failure where the file can't be made. `say` hears once why the capture ended early. */
export function openCaptureFile(path: string, say: (sentence: string) => void): CaptureFile {
  let fd = CLOSED;
  let written = 0;
  /** What had no room yet. */
  const late: Uint8Array[] = [];
  let behind = 0;
  /** How much was taken. */
  const write = (bytes: Uint8Array): number => {
    let done = 0;
    try {
      while (done < bytes.length) {
        const part = writeSync(fd, bytes, done);
        done += part;
        written += part;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    return done;
  };
  const catchUp = (): void => {
    for (let bytes = late[0]; bytes !== undefined; bytes = late[0]) {
      const taken = write(bytes);
      behind -= taken;
      late[0] = bytes.subarray(taken);
      if (taken < bytes.length) return;
      late.shift();
    }
  };
  const close = (): void => {
    if (fd !== CLOSED) closeSync(fd);
    fd = CLOSED;
  };
  try {
    fd = openSync(path, FLAGS, 0o644);
    write(fileHeader());
  } catch (error) {
    close();
    throw cantWrite(`the capture ${path}`, error);
  }
  return {
    sink(bytes) {
      if (fd === CLOSED) return;
      let before = written;
      try {
        catchUp();
        before = written;
        const taken = behind > 0 ? 0 : write(bytes);
        if (taken === bytes.length) return;
        late.push(bytes.slice(taken));
        behind += bytes.length - taken;
        if (behind <= MOST_BEHIND) return;
        say(`The capture ${path} ends early: its reader is ${behind} bytes behind`);
        close();
      } catch (error) {
        say(`The capture ${path} ends early: ${fileReason(error)}`);
        cut(fd, before + wholeRecords(bytes, written - before));
        close();
      }
    },
    close() {
      try {
        for (let left = PATIENCE; fd !== CLOSED && behind > 0 && left > 0; left -= PAUSE) {
          catchUp();
          if (behind > 0) Bun.sleepSync(PAUSE);
        }
      } catch {}
      close();
    },
  };
}

/** Takes half a record off the end, where there is an end. */
function cut(fd: number, bytes: number): void {
  try {
    ftruncateSync(fd, bytes);
  } catch {}
}
