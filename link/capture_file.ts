// The file of a capture, which several links may share. It is a side output: where it can't be written any more (a full
// disk, a reader of a FIFO that is gone) the capture ends with one sentence, whole up to there, and nothing else ends.

import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

import { fileHeader, wholeRecords } from "../wire/pcap.ts";
import { cantWrite, fileReason } from "../words/file_error.ts";

export interface CaptureFile {
  /** Takes whole records, as `createCapture` without `header` makes them. */
  readonly sink: (bytes: Uint8Array) => void;
  close(): void;
}

const CLOSED = -1;

/** Throws an environment failure where the file can't be made. `say` hears once why the capture ended early. */
export function openCaptureFile(path: string, say: (sentence: string) => void): CaptureFile {
  let fd = CLOSED;
  let written = 0;
  const write = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length;) {
      const part = writeSync(fd, bytes, done);
      done += part;
      written += part;
    }
  };
  const close = (): void => {
    if (fd !== CLOSED) closeSync(fd);
    fd = CLOSED;
  };
  try {
    fd = openSync(path, "w", 0o644);
    write(fileHeader());
  } catch (error) {
    close();
    throw cantWrite(`the capture ${path}`, error);
  }
  return {
    sink(bytes) {
      if (fd === CLOSED) return;
      const before = written;
      try {
        write(bytes);
      } catch (error) {
        say(`The capture ${path} ends early: ${fileReason(error)}`);
        cut(fd, before + wholeRecords(bytes, written - before));
        close();
      }
    },
    close,
  };
}

/** Takes half a record off the end, where there is an end. */
function cut(fd: number, bytes: number): void {
  try {
    ftruncateSync(fd, bytes);
  } catch {}
}
