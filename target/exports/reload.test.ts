// A new set of plans: all of it, or nothing.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { lockFile, openFile } from "../../sys/file.ts";
import * as config from "../../wire/config.ts";
import { parseExport } from "../config/read.ts";
import {
  configFrame,
  configOf,
  discovery,
  pattern,
  readFrame,
  writeFrame,
} from "../../testing/doubles/probe.ts";
import {
  build,
  byteOf,
  directory,
  image,
  refused,
  removeFiles,
  served,
  type Table,
} from "../../testing/doubles/reload_probe.ts";

afterAll(removeFiles);

describe("all or nothing", () => {
  const memory = { address: "e8.1", memory: "64k" };

  test.each<[string, (path: string) => Table, string]>([
    ["a typo in the path", (path) => ({ file: `${path}.typo` }), "does not exist"],
    ["a directory", () => ({ file: directory }), "Is a directory"],
    ["an offset behind the end", (path) => ({ file: path, offset: 99 }), "offset"],
    ["more memory than there is", () => ({ memory: "4000t" }), "Can't have"],
    ["a trace that is not there", (path) => ({ file: path, service: "" }), ""],
  ])("%s of a live export: everything is as before", async (name, table, part) => {
    const path = image(16);
    const live = { address: "e8.2", file: path, buffer_count: 8 };
    const { probe, exports, reload } = build([memory, live]);
    if (part === "") {
      // Its sectors stay; only the model can't be had.
      const trace = join(directory, `${name}.trace`);
      writeFileSync(trace, "1ms\n");
      const next = parseExport({ ...live, service: `delay:trace/${trace}` }, "export");
      rmSync(trace);
      expect(() => exports.apply([next], () => {})).toThrow("trace");
    } else {
      const next = [
        { address: "e8.3", memory: "64k" },
        { ...memory, buffer_count: 4 },
        { address: "e8.2", ...table(path) },
      ];
      expect(refused(await reload(next))).toContain(part);
    }
    expect(exports.isApplying).toBe(false);
    expect(served(probe)).toEqual({ "e8.1": 128, "e8.2": 16 });
    expect([...exports.all].map(({ owner }) => owner.bufferCount)).toEqual([64, 8]);
    // Its lock too: nobody else can have it, or share it.
    expect(lockFile(openFile(path, {}), false)).toBeLessThan(0);
    const ok = await reload([memory, { ...live, buffer_count: 9 }]);
    expect(ok).toMatchObject({ changed: ["e8.2"], unchanged: 1, added: [], removed: [] });
  });

  test("images change places and ways, though the target itself holds them", async () => {
    const [one, two] = [image(16, 1), image(24, 2)];
    const first = { address: "e8.1", file: one };
    const second = { address: "e8.2", file: two };
    const { probe, reload } = build([first, second]);
    const bytes = [await byteOf(probe, 1, 3), await byteOf(probe, 2, 3)];
    expect(
      await reload([
        { address: "e8.1", file: two, read_only: true },
        { address: "e8.2", file: one, offset: 1 },
      ]),
    ).toMatchObject({ changed: ["e8.1", "e8.2"] });
    expect(served(probe)).toEqual({ "e8.1": 24, "e8.2": 15 });
    expect([await byteOf(probe, 2, 2), await byteOf(probe, 1, 3)]).toEqual(bytes);
    // Readers share one, and one becomes a writer's again.
    const readers = [
      { address: "e8.1", file: two, read_only: true },
      { address: "e8.3", file: two, read_only: true },
    ];
    expect(await reload(readers)).toMatchObject({ added: ["e8.3"], removed: ["e8.2"] });
    expect(await reload([{ address: "e8.4", file: two }])).toMatchObject({ added: ["e8.4"] });
    expect(served(probe)).toEqual({ "e8.4": 24 });
    expect(lockFile(openFile(two, { write: true }), true)).toBeLessThan(0);
    expect(lockFile(openFile(one, { write: true }), true)).toBe(0);
  });

  test("an image that moves to another address is served there when what is in hand has ended", async () => {
    const path = image(16);
    const { probe, reload } = build([{ address: "e8.1", file: path, service: "delay:5ms" }]);
    const data = pattern(1, 7);
    probe.send(writeFrame(3, data, { major: 8, minor: 1, tag: 1 }));
    probe.iterate();
    const going = reload([{ address: "e8.2", file: path }]);
    expect(served(probe)).toEqual({});
    expect(await going).toMatchObject({ added: ["e8.2"], removed: ["e8.1"] });
    expect(await byteOf(probe, 2, 3)).toBe(data[0] ?? -1);
  });

  test("an image that another target holds refuses it, and the lock of the live one comes back", async () => {
    const path = image(16);
    const { probe, reload } = build([{ address: "e8.1", file: path, read_only: true }]);
    // Another reader: as a writer ours can't have it.
    const other = openFile(path, {});
    expect(lockFile(other, false)).toBe(0);
    expect(refused(await reload([{ address: "e8.1", file: path }]))).toContain("in use");
    expect(served(probe)).toEqual({ "e8.1": 16 });
    expect(lockFile(openFile(path, { write: true }), true)).toBeLessThan(0);
  });

  test("an image that was made for a reload which is refused goes again", async () => {
    const { reload } = build([memory]);
    const path = join(directory, "made.img");
    const made = { address: "e8.3", file: path, create: "64k" };
    refused(await reload([memory, made, { address: "e8.4", file: "/none" }]));
    expect(existsSync(path)).toBe(false);
    expect(await reload([memory, made])).toMatchObject({ added: ["e8.3"] });
    expect(statSync(path).size).toBe(65_536);
    refused(await reload([{ address: "e8.4", file: "/none" }]));
    expect(existsSync(path)).toBe(true);
  });

  test("a mask list that can't be saved refuses it, lists that were saved are as before", async () => {
    const mask = (minor: number, last: number): Table => ({
      address: `e8.${minor}`,
      memory: "64k",
      mask: `02:00:00:00:00:${last.toString(16).padStart(2, "0")}`,
    });
    const { exports, state, reload, said, probe } = build([mask(1, 0xb), mask(2, 0xb)]);
    // One of the two can't be replaced.
    mkdirSync(join(state, "e8.2.json.new"));
    const made = join(directory, "masked.img");
    const next = [
      mask(1, 1),
      mask(2, 2),
      { ...memory3, memory: undefined, file: made, create: 512 },
    ];
    expect(refused(await reload(next))).toContain("The mask list of e8.2 can't be saved");
    expect(existsSync(made)).toBe(false);
    expect(said.join("\n")).toContain(`saving ${state}/e8.2.json failed`);
    expect([...exports.all].map(({ owner }) => owner.state.masks)).toEqual([
      [0x0200_0000_000b],
      [0x0200_0000_000b],
    ]);
    expect(served(probe)).toEqual({ "e8.1": 128, "e8.2": 128 });
    rmSync(join(state, "e8.2.json.new"), { recursive: true });
    expect(await reload(next)).toMatchObject({ changed: ["e8.1", "e8.2"], added: ["e8.3"] });
    expect(await reload(next)).toMatchObject({ changed: [], unchanged: 3 });
    expect(readFileSync(join(state, "e8.1.json"), "utf8")).toContain("02:00:00:00:00:01");
  });
  const memory3 = { address: "e8.3" };

  test("an export that comes back with other sectors has what its clients set, up to the last", async () => {
    const path = image(16);
    const table = { address: "e8.1", file: path };
    const { probe, reload } = build([table]);
    // It is being saved as the reload begins.
    const to = { major: 8, minor: 1, tag: 5 };
    expect(probe.ask(configFrame(config.SET, "the last", to))).toEqual([]);
    expect(await reload([{ ...table, offset: 1 }])).toMatchObject({ changed: ["e8.1"] });
    expect(served(probe)).toEqual({ "e8.1": 15 });
    const [answer] = probe.ask(discovery());
    expect(answer?.body).toMatchObject({ string: new TextEncoder().encode("the last") });
  });

  test("a list of the configuration takes the place of theirs, where the sectors differ too", async () => {
    const mask = "02:00:00:00:00:0b";
    const { exports, reload } = build([{ address: "e8.1", memory: "64k" }]);
    expect(await reload([{ address: "e8.1", memory: "32k", mask }])).toMatchObject({
      changed: ["e8.1"],
    });
    const masks = () => [...exports.all].map(({ owner }) => owner.state.masks);
    expect(masks()).toEqual([[0x0200_0000_000b]]);
    expect(await reload([{ address: "e8.1", memory: "16k" }])).toMatchObject({
      changed: ["e8.1"],
    });
    // Nobody has said otherwise since.
    expect(masks()).toEqual([[0x0200_0000_000b]]);
  });

  test("another buffer count is announced, once on each interface; another model is not announced", async () => {
    const table = { address: "e8.1", memory: "64k", buffer_count: 8 };
    const { probe, reload } = build([table]);
    for (const [next, counts] of [
      [{ ...table, buffer_count: 9 }, [9, 9]],
      [{ ...table, buffer_count: 9, service: "delay:1ms" }, []],
    ] as const) {
      expect(await reload([next])).toMatchObject({ changed: ["e8.1"] });
      const announced = probe.run(1e6).filter(({ aoe: { tag } }) => tag === 0);
      expect(announced.map((frame) => configOf(frame).bufferCount)).toEqual([...counts]);
    }
  });

  test("while one is on its way nothing else may change what is served", async () => {
    const slow = { address: "e8.1", memory: "64k", service: "delay:5ms" };
    const { probe, exports, reload } = build([slow]);
    probe.send(readFrame(0, 1, { major: 8, minor: 1 }));
    probe.iterate();
    const going = reload([{ address: "e8.1", memory: "32k" }]);
    const address = { major: 8, minor: 1 };
    for (const act of [
      () => exports.add(parseExport({ address: "e8.7", memory: "64k" }, "export")),
      () => exports.remove(address, () => {}),
      () => exports.resize(address),
      () => exports.setService(address, ""),
      () => exports.apply([], () => {}),
    ]) {
      expect(act).toThrow("A reload is not over yet");
    }
    expect(await going).toMatchObject({ changed: ["e8.1"] });
    expect(served(probe)).toEqual({ "e8.1": 64 });
  });
});
