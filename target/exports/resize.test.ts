// An image that changed its size: taken up by a reload or when told, announced, and never written beyond.

import { afterAll, describe, expect, test } from "bun:test";
import { renameSync, rmSync, statSync, truncateSync } from "node:fs";

import * as ata from "../../wire/ata.ts";
import { BROADCAST } from "../../wire/mac.ts";
import { ataOf, pattern, readFrame, writeFrame } from "../../testing/doubles/probe.ts";
import {
  build,
  byteOf,
  image,
  refused,
  removeFiles,
  served,
  type Table,
} from "../../testing/doubles/reload_probe.ts";

afterAll(removeFiles);

describe("an image of another size", () => {
  test.each(["reload", "export resize"])("is taken up by %s, and announced", async (how) => {
    const path = image(16);
    const table = { address: "e8.1", file: path };
    const { probe, exports, reload } = build([table]);
    expect(served(probe)).toEqual({ "e8.1": 16 });
    for (const sectors of [40, 8]) {
      truncateSync(path, sectors * 512);
      expect(served(probe)["e8.1"]).not.toBe(sectors);
      let announcements: string[] = [];
      if (how === "reload") {
        const before = probe.target.ports.map(({ counters }) => counters.announced);
        expect(await reload([table])).toMatchObject({ changed: ["e8.1"] });
        probe.run(0);
        announcements = probe.target.ports
          .filter(({ counters }, index) => counters.announced === (before[index] ?? 0) + 1)
          .map(({ name }) => name);
        expect(await reload([table])).toMatchObject({ unchanged: 1 });
      } else {
        const before = sectors === 40 ? 16 : 40;
        expect(exports.resize({ major: 8, minor: 1 })).toEqual({ before, sectors });
        announcements = probe
          .run(0)
          .filter(({ ethernet, aoe }) => ethernet.destination === BROADCAST && aoe.tag === 0)
          .map((_, index) => (index === 0 ? "first" : "second"));
        expect(exports.resize({ major: 8, minor: 1 })).toEqual({ before: sectors, sectors });
        expect(probe.run(0)).toEqual([]);
      }
      expect(announcements).toEqual(["first", "second"]);
      expect(served(probe)).toEqual({ "e8.1": sectors });
      const write = (lba: number) =>
        ataOf(probe.answer(writeFrame(lba, pattern(1, 3), { major: 8, minor: 1, tag: lba })));
      expect(write(sectors - 1).command).toBe(ata.STATUS_DRDY);
      expect(write(sectors)).toMatchObject({
        command: ata.STATUS_ERR | ata.STATUS_DRDY,
        feature: ata.ERROR_IDNF,
      });
      expect(statSync(path).size).toBe(sectors * 512);
    }
  });

  test.each<[string, number, Table, string]>([
    ["ragged", 1000, {}, "multiple of 512"],
    ["empty", 0, {}, "is empty"],
    ["shorter than what is to be served", 8 * 512, { length: 16 }, "length"],
    ["not of the size that create says", 32 * 512, { create: "8k" }, "was to be made"],
  ])("that is %s changes nothing", async (_name, bytes, more, part) => {
    const path = image(16);
    const table = { address: "e8.1", file: path, ...more };
    const { probe, exports, reload } = build([table]);
    truncateSync(path, bytes);
    expect(refused(await reload([table, { address: "e8.2", memory: "64k" }]))).toContain(part);
    expect(served(probe)).toEqual({ "e8.1": 16 });
    if (part === "was to be made") expect(exports.resize({ major: 8, minor: 1 }).sectors).toBe(32);
    else expect(() => exports.resize({ major: 8, minor: 1 })).toThrow(part);
  });

  test("and another file in its place is opened by a reload, and refused by export resize", async () => {
    const path = image(16, 1);
    const other = image(20, 2);
    const table = { address: "e8.1", file: path };
    const { probe, exports, reload } = build([table]);
    const before = await byteOf(probe, 1, 5);
    renameSync(other, path);
    expect(() => exports.resize({ major: 8, minor: 1 })).toThrow("Another file");
    expect(await byteOf(probe, 1, 5)).toBe(before);
    expect(await reload([table])).toMatchObject({ changed: ["e8.1"] });
    expect(served(probe)).toEqual({ "e8.1": 20 });
    expect(await byteOf(probe, 1, 5)).toBe(pattern(20, 2)[5 * 512] ?? -1);
    rmSync(path);
    expect(refused(await reload([table]))).toContain("does not exist");
  });

  test("a write that waits for its time is not done beyond the end that the image has by then", async () => {
    const path = image(16);
    const table = { address: "e8.1", file: path, service: "delay:5ms" };
    const { probe, exports } = build([table]);
    probe.send(writeFrame(12, pattern(1, 3), { major: 8, minor: 1, tag: 1 }));
    probe.send(readFrame(12, 1, { major: 8, minor: 1, tag: 2 }));
    probe.iterate();
    truncateSync(path, 8 * 512);
    exports.resize({ major: 8, minor: 1 });
    const answers = probe.run(10e6).filter(({ aoe }) => aoe.tag > 0);
    expect(answers.map((answer) => ataOf(answer))).toMatchObject([
      { feature: ata.ERROR_IDNF, lba: 12 },
      { feature: ata.ERROR_IDNF, lba: 12 },
    ]);
    expect(statSync(path).size).toBe(8 * 512);
  });

  test.each([
    ["seek:7200/1ms/15ms", true],
    ["lanes:2,delay:1ms", false],
  ])(
    "a disk's arm crosses the new whole, other models stay as they are: %s",
    async (service, anew) => {
      const path = image(16);
      const table = { address: "e8.1", file: path, service };
      const { exports, probe, reload } = build([table]);
      const [first] = [...exports.all];
      const owner = first?.owner as NonNullable<typeof first>["owner"];
      for (const sectors of [64, 128]) {
        const { model } = owner;
        truncateSync(path, sectors * 512);
        if (sectors === 64) exports.resize({ major: 8, minor: 1 });
        else expect(await reload([table])).toMatchObject({ changed: ["e8.1"] });
        expect(owner.model === model).toBe(!anew);
        expect(owner.model.text).toBe(service);
        expect(await byteOf(probe, 1, 60)).toBeNumber();
      }
    },
  );
});
