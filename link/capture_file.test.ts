// The file of a capture: links that share it make one pcap file, and where it can't be written it ends, whole, alone.

import { afterAll, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { pattern } from "../testing/doubles/probe.ts";
import { HEADER_LENGTH, RECORD_LENGTH } from "../wire/pcap.ts";
import { createCapture } from "./capture.ts";
import { openCaptureFile } from "./capture_file.ts";
import type { TxBuffer } from "./link.ts";
import { createMemoryPair } from "./memory.ts";
import { createVirtualClock } from "./virtual_clock.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-capture-"));
afterAll(() => rmSync(directory, { recursive: true }));

const FRAME = 60;

/** Two links that share the capture, and what puts a frame on each. */
function build(sink: (bytes: Uint8Array) => void) {
  const clock = createVirtualClock();
  const links = [0, 1].map((index) => {
    const [inner] = createMemoryPair({ clock, macA: 2 + index, macB: 12 });
    return createCapture(inner, { clock, sink, header: false });
  });
  const send = (index: number, seed: number): void => {
    const link = links[index] as (typeof links)[number];
    const buffer = link.allocate(1514) as TxBuffer;
    buffer.bytes.set(pattern(1, seed).subarray(0, FRAME));
    expect(link.transmit(buffer, FRAME)).toBe(true);
  };
  return {
    send,
    close: () => {
      for (const link of links) link.close();
    },
  };
}

/** The first byte of each frame in the file; throws where it is no pcap file of such frames. */
function framesOf(file: Uint8Array): number[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  expect(view.getUint32(0, true)).toBe(0xa1b2_3c4d);
  const frames: number[] = [];
  let at = HEADER_LENGTH;
  for (; at < file.length; at += RECORD_LENGTH + FRAME) {
    expect(view.getUint32(at + 8, true)).toBe(FRAME);
    frames.push(view.getUint8(at + RECORD_LENGTH));
  }
  expect(at).toBe(file.length);
  return frames.toSorted((a, b) => a - b);
}

const firstByte = (seed: number): number => pattern(1, seed)[0] as number;

test("links that share a file make one capture, with one header", () => {
  const path = join(directory, "two.pcap");
  const said: string[] = [];
  const file = openCaptureFile(path, (sentence) => said.push(sentence));
  const { send, close } = build(file.sink);
  for (let seed = 1; seed <= 6; seed++) send(seed % 2, seed);
  close();
  file.close();
  const expected = [1, 2, 3, 4, 5, 6].map(firstByte).toSorted((a, b) => a - b);
  expect(framesOf(readFileSync(path))).toEqual(expected);
  expect(said).toEqual([]);
});

test("without a frame it is a capture of none, and it is there from the start", () => {
  const path = join(directory, "none.pcap");
  const file = openCaptureFile(path, () => {});
  expect(framesOf(readFileSync(path))).toEqual([]);
  file.close();
});

test("a reader that goes ends the capture with one sentence, and nothing is thrown", () => {
  const path = join(directory, "fifo");
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const said: string[] = [];
  const file = openCaptureFile(path, (sentence) => said.push(sentence));
  expect(readSync(reader, new Uint8Array(64))).toBe(HEADER_LENGTH);
  closeSync(reader);
  const { send, close } = build(file.sink);
  send(0, 1);
  send(1, 2);
  close();
  file.close();
  expect(said).toEqual([`The capture ${path} ends early: its reader is gone`]);
});

test("a reader that pauses holds nothing up, and has all in the end; one that is too slow ends the capture", () => {
  const path = join(directory, "slow");
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const said: string[] = [];
  const file = openCaptureFile(path, (sentence) => said.push(sentence));
  const piece = (value: number): Uint8Array => new Uint8Array(1 << 20).fill(value);
  for (let value = 1; value <= 4; value++) file.sink(piece(value));
  const bytes = new Uint8Array(8 << 20);
  let length = 0;
  const read = (): void => {
    try {
      length += readSync(reader, bytes, length, bytes.length - length, null);
    } catch {}
  };
  // What the pipe has room for comes with each look.
  while (length < HEADER_LENGTH + (4 << 20)) {
    read();
    file.sink(new Uint8Array(0));
  }
  for (let value = 1; value <= 4; value++) {
    const start = HEADER_LENGTH + ((value - 1) << 20);
    expect(bytes.subarray(start, start + (1 << 20)).every((byte) => byte === value)).toBe(true);
  }
  expect(said).toEqual([]);
  for (let value = 1; value <= 18; value++) file.sink(piece(value));
  expect(said).toEqual([
    expect.stringMatching(/ends early: its reader is 1[67]\d{6} bytes behind$/),
  ]);
  closeSync(reader);
  file.close();
});

test("a FIFO that nobody reads is refused at the start, not waited for", () => {
  const path = join(directory, "unread");
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  expect(() => openCaptureFile(path, () => {})).toThrow(
    `Can't write the capture ${path}: nobody reads that FIFO`,
  );
});

test.each([
  ["/dev/full", "no space is left there"],
  [join(tmpdir(), "none", "here.pcap"), "no such file or directory"],
])("%s is refused at the start", (path, why) => {
  expect(() => openCaptureFile(path, () => {})).toThrow(`Can't write the capture ${path}: ${why}`);
});
