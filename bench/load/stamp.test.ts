import { describe, expect, test } from "bun:test";
import { Command } from "../../initiator/protocol/command.ts";
import { createRandom } from "../../words/random.ts";
import { crc32c } from "./crc32c.ts";
import {
  CHANGED,
  DAMAGED,
  FUTURE,
  GOOD,
  MISPLACED,
  OTHER_RUN,
  STALE,
  UNSTAMPED,
  judge,
  stamp,
} from "./stamp.ts";
import { Verifier, describeMismatch } from "./verifier.ts";
import { Workload } from "./workload.ts";
import { READ, WRITE } from "../../initiator/protocol/operation.ts";

const SEED = 0xdeadbeef;

test("CRC-32C is RFC 3720's", () => {
  const of = (bytes: number[]) =>
    crc32c(new DataView(Uint8Array.from(bytes).buffer), 0, bytes.length);
  expect(of(new Array(32).fill(0))).toBe(0x8a9136aa);
  expect(of(new Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(of(Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(of([..."123456789"].map((c) => c.charCodeAt(0)))).toBe(0xe3069283);
});

describe("a sector's stamp", () => {
  const view = new DataView(new ArrayBuffer(2048));
  const far = 0x1_2345_6789;

  test("is good where it belongs, and only there", () => {
    stamp(view, 512, far, 2, 7, SEED);
    expect(judge(view, 512, far, 7, SEED)).toBe(GOOD);
    expect(judge(view, 1024, far + 1, 7, SEED)).toBe(GOOD);
    expect(judge(view, 1024, far, 7, SEED)).toBe(MISPLACED);
    expect(judge(view, 512, far - 2 ** 32, 7, SEED)).toBe(MISPLACED);
    expect(judge(view, 512, far, 8, SEED)).toBe(STALE);
    expect(judge(view, 512, far, 6, SEED)).toBe(FUTURE);
    expect(judge(view, 512, far, 7, 1)).toBe(OTHER_RUN);
    expect(judge(view, 0, far, 7, SEED)).toBe(UNSTAMPED);
  });

  test("a single bit anywhere shows", () => {
    stamp(view, 0, 5, 1, 1, SEED);
    const random = createRandom(99);
    for (let i = 0; i < 300; i++) {
      const bit = random.below(512 * 8);
      const byte = bit >> 3;
      view.setUint8(byte, view.getUint8(byte) ^ (1 << (bit & 7)));
      expect(judge(view, 0, 5, 1, SEED)).not.toBe(GOOD);
      expect([UNSTAMPED, DAMAGED]).toContain(judge(view, 0, 5, 1, SEED));
      view.setUint8(byte, view.getUint8(byte) ^ (1 << (bit & 7)));
    }
    expect(judge(view, 0, 5, 1, SEED)).toBe(GOOD);
  });

  test("nothing is demanded of a block that this run has not written", () => {
    stamp(view, 0, 5, 1, 44, 1);
    expect(judge(view, 0, 5, 0, SEED)).toBe(GOOD);
    expect(judge(view, 0, 6, 0, SEED)).toBe(MISPLACED);
  });
});

/** A disk of 8 blocks of 1 KiB in memory, and commands that go to it. */
function bed() {
  const disk = new DataView(new ArrayBuffer(8192));
  const workload = new Workload(
    { rw: "randrw", bs: 1024, offset: 0, size: 0, rwmixread: 50 },
    8192,
    createRandom(1),
  );
  const verifier = new Verifier(workload, SEED);
  const command = (operation: number, block: number): Command => {
    const made = new Command();
    const bytes = new Uint8Array(1024);
    made.operation = operation;
    made.lba = block * 2;
    made.sectors = 2;
    made.memory = { bytes, view: new DataView(bytes.buffer), address: 0 };
    return made;
  };
  /** `carried`: bytes of a failed write that reach the disk all the same; null: it ends well. */
  const perform = (done: Command, carried: number | null = null): void => {
    for (let byte = 0; byte < (carried ?? 1024); byte++) {
      const place = done.lba * 512 + byte;
      const memory = done.memory?.view;
      if (done.operation === WRITE) disk.setUint8(place, memory?.getUint8(byte) ?? 0);
      else memory?.setUint8(byte, disk.getUint8(place));
    }
    verifier.settle(done, carried === null);
  };
  const run = (operation: number, block: number, carried: number | null = null): void => {
    const made = command(operation, block);
    expect(verifier.admit(made)).toBe(true);
    perform(made, carried);
  };
  return { disk, verifier, command, perform, run };
}

describe("a verified run", () => {
  test("random reads and writes of a disk that keeps its word show nothing", () => {
    const { verifier, run } = bed();
    const random = createRandom(5);
    for (let i = 0; i < 500; i++) run(random.below(2) === 0 ? READ : WRITE, random.below(8));
    expect(verifier.mismatches).toBe(0);
    expect(verifier.sectorsVerified).toBeGreaterThan(300);
    expect(verifier.blocksWritten).toBe(8);
  });

  test("a write that was lost reads as stale, and the sentence says so", () => {
    const { disk, verifier, run } = bed();
    run(WRITE, 3);
    const old = disk.buffer.slice(0);
    run(WRITE, 3);
    new Uint8Array(disk.buffer).set(new Uint8Array(old));
    run(READ, 3);
    expect(verifier.first.map((mismatch) => mismatch.verdict)).toEqual([STALE, STALE]);
    const sentence = verifier.first[0] === undefined ? "" : describeMismatch(verifier.first[0]);
    expect(sentence).toBe(
      "Sector 6 is stale (an older write): expected sector 6 generation 2, found sector 6 generation 1.",
    );
  });

  test.each([0, 512, 1024])(
    "a write that failed with %d bytes carried out leaves both old and new as right",
    (carried) => {
      const { verifier, run } = bed();
      // Over what stood there before the run, over a write, and twice.
      run(READ, 1);
      run(WRITE, 1, carried);
      run(READ, 1);
      run(WRITE, 3);
      run(WRITE, 3, carried);
      run(READ, 3);
      run(WRITE, 3, 0);
      run(READ, 3);
      expect([verifier.mismatches, verifier.sectorsOpen]).toEqual([0, 6]);
      // What ends well after them makes an end of it.
      run(WRITE, 3);
      run(READ, 3);
      expect([verifier.mismatches, verifier.sectorsOpen]).toEqual([0, 6]);
    },
  );

  test("what is older than the last good write is stale, whatever failed since", () => {
    const { disk, verifier, run } = bed();
    run(WRITE, 3);
    const old = disk.buffer.slice(0);
    run(WRITE, 3);
    run(WRITE, 3, 1024);
    run(WRITE, 3, 0);
    new Uint8Array(disk.buffer).set(new Uint8Array(old));
    run(READ, 3);
    expect(verifier.first.map(describeMismatch)).toEqual(
      [6, 7].map(
        (sector) =>
          `Sector ${sector} is stale (an older write): expected sector ${sector} generation 2 to 4, found sector ${sector} generation 1.`,
      ),
    );
    // And what is nobody's is without a stamp.
    new Uint8Array(disk.buffer).fill(0);
    run(READ, 3);
    expect(verifier.mismatches).toBe(4);
  });

  test("more failures than are counted leave everything up to the last as right, and no more", () => {
    const { disk, verifier, run } = bed();
    run(WRITE, 3);
    for (let at = 0; at < 300; at++) run(WRITE, 3, 0);
    run(READ, 3);
    expect(verifier.mismatches).toBe(0);
    stamp(disk, 3 * 1024, 6, 2, 302, SEED);
    run(READ, 3);
    expect(verifier.first.map(({ verdict }) => verdict)).toEqual([FUTURE, FUTURE]);
  });

  test("a write on the wrong block shows at both places", () => {
    const { disk, verifier, run } = bed();
    run(READ, 5);
    run(WRITE, 3);
    new Uint8Array(disk.buffer).copyWithin(5 * 1024, 3 * 1024, 4 * 1024);
    run(READ, 5);
    expect(verifier.first.map((mismatch) => mismatch.verdict)).toEqual([
      CHANGED,
      MISPLACED,
      MISPLACED,
    ]);
  });

  test("zeros where a write should be are without a stamp; zeros never written are fine", () => {
    const { disk, verifier, run } = bed();
    run(READ, 1);
    run(READ, 1);
    expect([verifier.mismatches, verifier.sectorsUnwritten]).toEqual([0, 4]);
    run(WRITE, 1);
    new Uint8Array(disk.buffer).fill(0);
    run(READ, 1);
    expect(verifier.first.map((mismatch) => mismatch.verdict)).toEqual([UNSTAMPED, UNSTAMPED]);
  });

  test("commands that would race for a block are moved apart; reads may share", () => {
    const { verifier, command, perform } = bed();
    const writing = command(WRITE, 7);
    const [reading, second] = [command(READ, 7), command(READ, 0)];
    expect(verifier.admit(writing)).toBe(true);
    expect(verifier.admit(reading)).toBe(true);
    expect(reading.lba).toBe(0); // wrapped around
    expect(verifier.admit(second)).toBe(true);
    expect(second.lba).toBe(0);
    const more = Array.from({ length: 6 }, () => command(WRITE, 0));
    for (const one of more) expect(verifier.admit(one)).toBe(true);
    expect(new Set([writing, ...more].map((one) => one.lba)).size).toBe(7);
    expect(verifier.admit(command(WRITE, 0))).toBe(false);
    perform(writing);
    expect(verifier.admit(command(WRITE, 0))).toBe(true);
  });
});
