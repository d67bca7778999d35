// Exports one by one: what is said of their last flush, and of one that can't be had.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { BlockingIo, IoEnded } from "../../sys/blocking_io.ts";
import { EIO } from "../../sys/errno.ts";
import { mapMemory } from "../../sys/memory.ts";
import { createRandom } from "../../words/random.ts";
import type { ExportPlan } from "../config/plan.ts";
import { parseExport } from "../config/read.ts";
import { Exports } from "./exports.ts";
import { createProbe } from "../../testing/doubles/probe.ts";
import { DONE } from "../stores/store.ts";
import { StateSaver } from "./state_saver.ts";
import { FileIo } from "../stores/file_io.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-exports-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function build(state: string, io = new FileIo()) {
  const probe = createProbe();
  const said: string[] = [];
  const say = (sentence: string): void => {
    said.push(sentence);
  };
  const context = {
    state: { directory: state, saver: new StateSaver() },
    random: createRandom(1),
    what: "service",
    io,
    sayOnce: say,
  };
  const exports = new Exports(probe.target, context, say);
  return { probe, exports, said };
}

test("the last flush is told while it goes on, when it failed, and not at all when it is over", () => {
  const ended: (() => void)[] = [];
  let result = 0;
  const beside: BlockingIo = {
    kind: "worker",
    reason: "",
    fd: -1,
    get pending() {
      return ended.length;
    },
    read: () => {},
    write: () => {},
    sync: (_fd, token) => ended.push(() => tell(token, result)),
    reap(told) {
      tell = told;
      for (const end of ended.splice(0)) end();
      return 0;
    },
    drain: () => {},
    close: () => {},
  };
  let tell: IoEnded = () => {};
  const { exports, probe, said } = build(
    join(directory, "flush"),
    new FileIo({ open: () => beside }),
  );
  const image = join(directory, "flushed.img");
  const file = parseExport({ address: "e8.3", file: image, create: "64k" }, "export");
  const { store } = exports.add(file);
  for (const [errno, undone] of [
    [0, []],
    [EIO, ["e8.3: its last flush failed: Input/output error (EIO)"]],
    // One that succeeds after one that failed proves nothing.
    [0, ["e8.3: its last flush failed: Input/output error (EIO)"]],
  ] as const) {
    expect(store.write(0, 1, mapMemory(512), 0, 0)).toBe(DONE);
    result = -errno;
    const flush = exports.settle();
    if (ended.length > 0) {
      expect(flush.isOver()).toBe(false);
      expect(flush.undone()).toEqual(["e8.3: its last flush is not over"]);
    }
    probe.run(1e6);
    expect(flush.isOver()).toBe(true);
    expect(flush.undone()).toEqual([...undone]);
  }
  // Of one that is removed while others go on, too.
  let gone = false;
  exports.remove({ major: 8, minor: 3 }, () => {
    gone = true;
  });
  probe.run(1e6);
  expect([gone, said]).toEqual([true, ["e8.3: its last flush failed: Input/output error (EIO)"]]);
  exports.close();
});

test("more memory than there is costs a sentence, and nothing of what is served", () => {
  const { exports, probe } = build(join(directory, "other"));
  const huge = parseExport({ address: "e8.2", memory: "4000t" }, "export");
  expect(() => exports.add(huge)).toThrow("Can't have 4398046511104000 bytes of memory");
  expect(probe.target.exportAt(8, 2)).toBeNull();
});

test("another serial number at a reload: announced, since it is another disk to who had asked before", () => {
  const { exports, probe } = build(join(directory, "serials"));
  const numbered = (serial: string): ExportPlan =>
    parseExport({ address: "e8.1", memory: "64k", serial }, "export");
  const owner = exports.add(numbered("one"));
  const said = (): string =>
    Buffer.from(owner.identifySector.subarray(20, 40)).swap16().toString().trim();
  probe.run(1e9);
  expect(said()).toBe("one");
  exports.apply([numbered("two")], () => {});
  expect(said()).toBe("two");
  expect(probe.run(1e9).map(({ aoe: { minor, tag } }) => [minor, tag])).toEqual([
    [1, 0],
    [1, 0],
  ]);
});
