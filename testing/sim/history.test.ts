// The safety model by hand: what it must refuse, and what it must not.

import { describe, expect, test } from "bun:test";

import { History } from "./history.ts";
import { BLANK, FOREIGN, readStamp, spoil, stamp, WORDS } from "./sector_stamp.ts";

const SECTOR = 3;

/** One device of eight sectors; writes and reads all in one sector. */
function create(crashes = false) {
  const history = new History([8], crashes);
  return {
    history,
    write: () => history.write(0, SECTOR),
    /** A write from beginning to end. */
    whole: () => {
      const id = history.write(0, SECTOR);
      history.written(id);
      return id;
    },
    read: (found: number, began = history.now()) => history.read(0, SECTOR, found, began),
    flush: (began = history.now()) => history.flushed(0, began),
  };
}

describe("a read", () => {
  test("returns the last write, and what was there at first only before it", () => {
    const { read, whole } = create();
    read(BLANK);
    const first = whole();
    read(first);
    const second = whole();
    read(second);
    expect(() => read(first)).toThrow("there stood");
    expect(() => read(BLANK)).toThrow("what was there at first");
  });

  test("may return a write that is still out, and the one before it", () => {
    const { read, whole, write } = create();
    const before = whole();
    const out = write();
    read(out);
    read(before);
    read(out);
  });

  test("that began before a write ended may return what stood before it", () => {
    const { history, read, whole, write } = create();
    const before = whole();
    const out = write();
    const began = history.now();
    history.written(out);
    read(before, began);
    expect(() => read(before)).toThrow("there stood");
  });

  test("settles which of two writes beside each other stands", () => {
    const { history, read, write } = create();
    const one = write();
    const other = write();
    history.written(other);
    history.written(one);
    read(other);
    expect(() => read(one)).toThrow("there stood");
  });

  test("finds a write without an acknowledgement at any later time, again and again", () => {
    const { history, read, whole, write } = create();
    const ghost = write();
    history.abandoned(ghost);
    const good = whole();
    read(good);
    read(ghost);
    const better = whole();
    read(better);
    read(ghost);
    expect(() => read(good)).toThrow("there stood");
  });

  test("finds no sector of another place, and no torn one", () => {
    const { history, read } = create();
    const elsewhere = history.write(0, SECTOR + 1);
    expect(() => read(elsewhere)).toThrow("of another place");
    expect(() => read(FOREIGN)).toThrow("no whole sector");
    expect(() => read(10_000)).toThrow("of another place");
  });
});

describe("a crash", () => {
  test("may take back what was not flushed, and nothing that was", () => {
    const { flush, history, read, whole } = create(true);
    const kept = whole();
    flush();
    const lost = whole();
    history.crashed(0);
    read(kept);
    expect(() => read(BLANK)).toThrow("there stood");
    // It was settled by the read: nothing was written since.
    expect(() => read(lost)).toThrow("there stood");
  });

  test("without a flush may bring back anything, until a read tells", () => {
    const { history, read, whole } = create(true);
    const first = whole();
    whole();
    history.crashed(0);
    read(first);
    history.crashed(0);
    read(first);
    expect(() => read(BLANK)).toThrow("there stood");
  });

  test("a flush that began before a write ended says nothing about it", () => {
    const { flush, history, read, write } = create(true);
    const out = write();
    const began = history.now();
    history.written(out);
    flush(began);
    history.crashed(0);
    read(BLANK);
  });

  test("a write that was out in it may have been carried out before, and lost", () => {
    const { flush, history, read, whole, write } = create(true);
    const before = whole();
    flush();
    const out = write();
    history.crashed(0);
    history.written(out);
    flush();
    read(before);
  });

  test("a flush after it covers what was written after it", () => {
    const { flush, history, read, whole } = create(true);
    const before = whole();
    history.crashed(0);
    const after = whole();
    flush();
    history.crashed(0);
    read(after);
    expect(() => read(before)).toThrow("there stood");
  });
});

test("a late copy is one that comes after a write which began when it had ended", () => {
  const { history, whole, write } = create();
  const first = whole();
  const beside = write();
  const second = whole();
  expect(history.isPast(first, second)).toBe(true);
  expect(history.isPast(second, first)).toBe(false);
  expect(history.isPast(beside, second)).toBe(false);
});

test("thousands of writes outgrow the first tables and nothing is forgotten", () => {
  const { read, whole } = create();
  let last = 0;
  for (let turn = 0; turn < 10_000; turn++) last = whole();
  read(last);
  expect(() => read(last - 1)).toThrow("there stood");
});

describe("a stamp", () => {
  test("tells its write and its place, a blank sector, and everything else", () => {
    const words = new Uint32Array(2 * WORDS);
    expect(readStamp(words, WORDS, 1, 7)).toBe(BLANK);
    stamp(words, WORDS, 77, 1, 7);
    expect(readStamp(words, WORDS, 1, 7)).toBe(77);
    expect(readStamp(words, WORDS, 1, 8)).toBe(FOREIGN);
    expect(readStamp(words, WORDS, 0, 7)).toBe(FOREIGN);
    const torn = words.slice();
    torn.fill(0, WORDS, WORDS + WORDS / 2);
    expect(readStamp(torn, WORDS, 1, 7)).toBe(FOREIGN);
    spoil(words, WORDS);
    expect(readStamp(words, WORDS, 1, 7)).toBe(FOREIGN);
  });
});
