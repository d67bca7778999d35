// Plans that can't be taken on whole: what changes anyway, what stays, and what is said.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { BlockingIo, IoEnded } from "../sys/blocking_io.ts";
import { EIO } from "../sys/errno.ts";
import { mapMemory } from "../sys/memory.ts";
import { createRandom } from "../words/random.ts";
import { parseExport } from "./config/read.ts";
import type { ExportPlan } from "./config/plan.ts";
import { type Applied, Exports } from "./exports.ts";
import { createProbe } from "./probe.ts";
import { DONE } from "./store.ts";
import { StateSaver } from "./state_saver.ts";
import { FileIo } from "./stores/file_io.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-exports-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function build(state: string, io = new FileIo()) {
  const probe = createProbe();
  const said: string[] = [];
  const say = (sentence: string): void => {
    said.push(sentence);
  };
  const saver = new StateSaver();
  const context = {
    state: { directory: state, saver },
    random: createRandom(1),
    what: "service",
    io,
    sayOnce: say,
  };
  const exports = new Exports(probe.target, context, say);
  return { probe, said, exports, saver };
}

function plan(mask: string): ExportPlan {
  return parseExport({ address: "e8.1", memory: "64k", mask }, "export");
}

test("a mask list that can't be saved is told, stays as it was, and is tried again by the next reload", async () => {
  const state = join(directory, "state");
  const { exports, said, saver } = build(state);
  const owner = exports.add(plan("02:00:00:00:00:01"));
  const apply = async (next: ExportPlan): Promise<Applied> => {
    const came: Applied[] = [];
    exports.apply([next], (applied) => came.push(applied));
    for (;;) {
      const [applied] = came;
      if (applied !== undefined) return applied;
      await Bun.sleep(1);
      saver.poll();
    }
  };
  const other = plan("02:00:00:00:00:02");
  rmSync(state, { recursive: true });
  const sentence = "e8.1 keeps its old mask list: the new one can't be saved";
  expect(await apply(other)).toMatchObject({ failed: [sentence] });
  expect(owner.state.masks).toEqual([0x0200_0000_0001]);
  expect(said.join("\n")).toContain(
    `saving ${state}/e8.1.json failed: No such file or directory (ENOENT)`,
  );
  expect(said).toContain(sentence);
  mkdirSync(state);
  expect(await apply(other)).toMatchObject({ failed: [], changed: ["e8.1"] });
  expect(owner.state.masks).toEqual([0x0200_0000_0002]);
  expect(await apply(other)).toMatchObject({ unchanged: 1 });
});

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
  const { exports, probe } = build(join(directory, "flush"), new FileIo({ open: () => beside }));
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
  exports.close();
});

test("more memory than there is costs a sentence, and nothing of what is served", () => {
  const { exports, probe } = build(join(directory, "other"));
  const huge = parseExport({ address: "e8.2", memory: "4000t" }, "export");
  expect(() => exports.add(huge)).toThrow("Can't have 4398046511104000 bytes of memory");
  expect(probe.target.exportAt(8, 2)).toBeNull();
});
