// Transfers as their caller sees them, whatever order the answers come in: bytes in the order of the device, and what
// is through when one fails.

import { describe, expect, test } from "bun:test";
import * as ata from "../../wire/ata.ts";
import { Scripted, type Seen } from "../../testing/doubles/scripted_peer.ts";
import type { Session } from "./session.ts";
import { readDevice, type DeviceRange, writeDevice } from "./transfer.ts";

const SECTOR = 512;
/** Blocks of two sectors from sector 4 on: one frame each. */
const RANGE: DeviceRange = {
  offset: 4 * SECTOR,
  size: 16 * SECTOR,
  blockBytes: 1024,
  iodepth: 4,
};
const BLOCKS = RANGE.size / RANGE.blockBytes;

function world() {
  const peer = new Scripted();
  const device = peer.find();
  const session = {
    initiator: peer.initiator,
    waiter: { now: () => peer.clock.now() },
    async run(until: () => boolean) {
      peer.run(until);
    },
  } as unknown as Session;
  return { peer, device, session };
}

/** Which block of the range a request is about. */
function blockOf({ lba }: Seen): number {
  return (lba * SECTOR - RANGE.offset) / RANGE.blockBytes;
}

const fail = (peer: Scripted, request: Seen, delay = 0): void =>
  peer.answer(request, { delay, status: 0x41, ataError: ata.ERROR_UNC });

describe("reading", () => {
  test("blocks come in the order of the device, each with its own bytes, whatever is answered first", async () => {
    const { peer, device, session } = world();
    // The later in its window, the sooner.
    peer.script = (request) => peer.answer(request, { delay: 1e6 * (4 - (blockOf(request) % 4)) });
    const seen: number[] = [];
    await readDevice({ ...RANGE, session, device }, (bytes, at) => {
      seen.push(at);
      expect(Buffer.from(bytes).equals(peer.image.subarray(at, at + bytes.length))).toBe(true);
    });
    const wanted = Array.from({ length: BLOCKS }, (_, at) => RANGE.offset + 1024 * at);
    expect(seen).toEqual(wanted);
  });

  test("a last block that is shorter has no more bytes than there are", async () => {
    const { device, session } = world();
    const lengths: number[] = [];
    const size = 5 * SECTOR;
    await readDevice({ ...RANGE, size, session, device }, ({ length }) => lengths.push(length));
    expect(lengths).toEqual([1024, 1024, 512]);
  });

  test("one that fails: what came before it is through, and nothing behind it is handed on", async () => {
    const { peer, device, session } = world();
    peer.script = (request) => {
      if (blockOf(request) === 5) fail(peer, request);
      else peer.answer(request);
    };
    let whole = -1;
    const seen: number[] = [];
    const reading = readDevice(
      { ...RANGE, session, device, onFailure: (bytes) => (whole = bytes) },
      (_, at) => seen.push(at),
    );
    await expect(reading).rejects.toThrow("e7.3 can't read sectors 14 to 15");
    expect(whole).toBe(5 * 1024);
    expect(seen.length).toBe(5);
  });

  test("a caller that throws ends it at that block", async () => {
    const { device, session } = world();
    let whole = -1;
    const reading = readDevice(
      { ...RANGE, session, device, onFailure: (bytes) => (whole = bytes) },
      (_, at) => {
        if (at === RANGE.offset + 3072) throw new Error("no room");
      },
    );
    await expect(reading).rejects.toThrow("no room");
    expect(whole).toBe(3 * 1024);
  });
});

describe("writing", () => {
  const fill = (bytes: Uint8Array, at: number): undefined => {
    bytes.fill(at / 1024);
  };

  test("every block has its own bytes, and none beside the range is touched", async () => {
    const { peer, device, session } = world();
    const before = Buffer.from(peer.image);
    await writeDevice({ ...RANGE, session, device }, fill);
    for (let at = RANGE.offset; at < RANGE.offset + RANGE.size; at += 1024) {
      before.fill(at / 1024, at, at + 1024);
    }
    expect(Buffer.from(peer.image).equals(before)).toBe(true);
  });

  test("one that fails while an earlier one is out: only what is before both is whole", async () => {
    const { peer, device, session } = world();
    peer.script = (request) => {
      const block = blockOf(request);
      if (block === 6) fail(peer, request);
      else peer.answer(request, { delay: block === 5 ? 50e6 : 0 });
    };
    let whole = -1;
    const writing = writeDevice(
      { ...RANGE, session, device, onFailure: (bytes) => (whole = bytes) },
      fill,
    );
    await expect(writing).rejects.toThrow("e7.3 can't write sectors 16 to 17");
    expect(whole).toBe(5 * 1024);
  });

  test("one that fails after later ones ended: those behind it are not whole", async () => {
    const { peer, device, session } = world();
    peer.script = (request) => {
      const block = blockOf(request);
      if (block === 4) fail(peer, request, 50e6);
      else peer.answer(request);
    };
    let whole = -1;
    const writing = writeDevice(
      { ...RANGE, session, device, onFailure: (bytes) => (whole = bytes) },
      fill,
    );
    await expect(writing).rejects.toThrow("can't write");
    expect(whole).toBe(4 * 1024);
  });

  test("blocks that the caller wants to leave as they are, stay, and count as through", async () => {
    const { peer, device, session } = world();
    const before = Buffer.from(peer.image);
    let through = 0;
    await writeDevice(
      { ...RANGE, session, device, onProgress: (bytes) => (through = bytes) },
      (bytes, at) => {
        bytes.fill(0xee);
        return (at / 1024) % 2 === 0;
      },
    );
    for (let at = RANGE.offset; at < RANGE.offset + RANGE.size; at += 2048) {
      before.fill(0xee, at, at + 1024);
    }
    expect(Buffer.from(peer.image).equals(before)).toBe(true);
    expect(through).toBe(RANGE.size);
  });

  test("a caller that throws ends it before that block, and nothing of it is sent", async () => {
    const { peer, device, session } = world();
    let whole = -1;
    const writing = writeDevice(
      { ...RANGE, session, device, onFailure: (bytes) => (whole = bytes) },
      (bytes, at) => {
        if (at === RANGE.offset + 2048) throw new Error("the file was cut");
        bytes.fill(1);
      },
    );
    await expect(writing).rejects.toThrow("the file was cut");
    // What was out then was withdrawn: it may be there, and is not counted.
    expect(whole).toBeLessThanOrEqual(2048);
    expect(peer.seen.some((request) => blockOf(request) === 2)).toBe(false);
  });
});
