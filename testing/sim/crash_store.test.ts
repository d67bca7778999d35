// The disk of the simulation: what a crash takes, and what it says of copies and late writes.

import { describe, expect, test } from "bun:test";

import { SECTOR } from "../../wire/ata.ts";
import { createRandom } from "../../words/random.ts";
import { CrashStore, type StoreRules } from "./crash_store.ts";
import { History } from "./history.ts";
import { readStamp, stamp, WORDS } from "./sector_stamp.ts";

const SECTORS = 64;
const RULES: StoreRules = { stamped: true, noStale: true, noDuplicates: true };

function create(rules: StoreRules = RULES) {
  const history = new History([SECTORS], true);
  let now = 0;
  const store = new CrashStore(0, SECTORS, rules, history, () => now);
  const memory = new ArrayBuffer(SECTOR);
  const words = new Uint32Array(memory);
  const plain = {
    bytes: new Uint8Array(memory),
    view: new DataView(memory),
    address: 0,
    plain: words,
  };
  return {
    history,
    store,
    pass: (ns: number) => {
      now += ns;
    },
    /** A copy of write `id` is carried out. */
    put: (lba: number, id: number) => {
      stamp(words, 0, id, 0, lba);
      store.write(lba, 1, plain, 0);
    },
    at: (lba: number) => {
      store.read(lba, 1, plain, 0);
      return readStamp(words, 0, 0, lba);
    },
  };
}

test("a crash takes some of what was not flushed, and all that was flushed stays", () => {
  const { at, history, put, store } = create();
  const first = Array.from({ length: SECTORS }, (_, lba) => history.write(0, lba));
  first.forEach((id, lba) => {
    put(lba, id);
    history.written(id);
  });
  store.flush();
  const second = first.slice(0, 32).map((_, lba) => history.write(0, lba));
  for (const [lba, id] of second.entries()) put(lba, id);
  store.crash(createRandom(7));
  const found = Array.from({ length: SECTORS }, (_, lba) => at(lba));
  expect(found.slice(32)).toEqual(first.slice(32));
  const kept = found.slice(0, 32).filter((id, lba) => id === second[lba]).length;
  const lost = found.slice(0, 32).filter((id, lba) => id === first[lba]).length;
  expect(kept + lost).toBe(32);
  expect(store.lost).toBe(lost);
  expect(kept).toBeGreaterThan(4);
  expect(lost).toBeGreaterThan(4);
  // What came through is on the disk now: another crash changes nothing.
  store.crash(createRandom(8));
  expect(Array.from({ length: SECTORS }, (_, lba) => at(lba))).toEqual(found);
});

test("sectors are words in one array", () => {
  const { store } = create();
  expect(store.words.length).toBe(SECTORS * WORDS);
});

describe("what is carried out", () => {
  test("a copy within P28's window is a fault, and after it, and in another life, it is none", () => {
    const { history, pass, put, store } = create();
    const id = history.write(0, 3);
    put(3, id);
    pass(2e9);
    expect(() => put(3, id)).toThrow("carried out twice within 2000000000 ns (P28)");
    pass(1);
    put(3, history.write(0, 3));
    const again = history.write(0, 4);
    put(4, again);
    store.crash(createRandom(1));
    put(4, again);
  });

  test("a late copy behind a later write is a fault where none is late, else it is counted", () => {
    for (const noStale of [true, false]) {
      const { history, put, store } = create({ ...RULES, noStale, noDuplicates: false });
      const first = history.write(0, 3);
      put(3, first);
      history.written(first);
      const second = history.write(0, 3);
      put(3, second);
      if (noStale) expect(() => put(3, first)).toThrow("a late copy of write");
      else put(3, first);
      expect(store.staleWrites).toBe(1);
    }
  });

  test("a sector that nobody wrote is a fault", () => {
    const { put } = create();
    expect(() => put(3, 9999)).toThrow("what nobody has written there");
  });
});
