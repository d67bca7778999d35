// A new set of plans: all of it, or nothing; and what a reload makes of an image that changed its size.

import { afterAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { lockFile, openFile } from "../sys/file.ts";
import * as ata from "../wire/ata.ts";
import * as config from "../wire/config.ts";
import { BROADCAST } from "../wire/mac.ts";
import { Failure } from "../words/failure.ts";
import { createRandom } from "../words/random.ts";
import { parseExport } from "./config/read.ts";
import { Exports } from "./exports.ts";
import {
  ataFrame,
  ataOf,
  configFrame,
  createProbe,
  discovery,
  pattern,
  type Probe,
  readFrame,
  writeFrame,
} from "./probe.ts";
import type { Applied } from "./reload.ts";
import { StateSaver } from "./state_saver.ts";
import { FileIo } from "./stores/file_io.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-reload-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
function image(sectors: number, seed = 1): string {
  const path = join(directory, `${files++}.img`);
  writeFileSync(path, pattern(sectors, seed));
  return path;
}

type Table = Readonly<Record<string, unknown>>;

/** A target that serves `tables`, as [[export]] has them. */
function build(tables: readonly Table[]) {
  const probe = createProbe();
  probe.target.removeExport(probe.owner, () => {});
  probe.run(0);
  const said: string[] = [];
  const state = join(directory, `state-${files++}`);
  mkdirSync(state);
  const saver = new StateSaver();
  const io = new FileIo();
  const context = {
    state: { directory: state, saver },
    random: createRandom(1),
    what: "service",
    io,
    sayOnce: (sentence: string) => said.push(sentence),
  };
  const exports = new Exports(probe.target, context, (sentence) => said.push(sentence));
  for (const table of tables) exports.add(parseExport(table, "export"));
  probe.run(1e9);
  return {
    probe,
    said,
    state,
    exports,
    /** The end of it, reached while commands are served. */
    async reload(next: readonly Table[]): Promise<Applied | Failure> {
      const ended: (Applied | Failure)[] = [];
      try {
        exports.apply(
          next.map((table) => parseExport(table, "export")),
          (told) => ended.push(told),
        );
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        return error;
      }
      for (;;) {
        const [told] = ended;
        if (told !== undefined) return told;
        await Bun.sleep(1);
        saver.poll();
        probe.run(1e6);
      }
    },
  };
}

function refused(ended: Applied | Failure): string {
  if (!(ended instanceof Failure)) throw new Error(`applied: ${JSON.stringify(ended)}`);
  return ended.message;
}

/** Who answers a broadcast, and with how many sectors. */
function served(probe: Probe): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { aoe } of probe.ask(discovery())) {
    const { major, minor } = aoe;
    const answer = probe.answer(
      ataFrame({ command: ata.IDENTIFY, count: 1, flags: 0 }, { major, minor, tag: minor }),
    );
    const words = new DataView(answer.rest.buffer, answer.rest.byteOffset);
    found[`e${major}.${minor}`] = words.getUint32(200, true);
  }
  return found;
}

/** The first byte of a sector as e8.MINOR reads it, however long that takes. */
async function byteOf(probe: Probe, minor: number, lba: number): Promise<number> {
  probe.send(readFrame(lba, 1, { major: 8, minor, tag: 9 }));
  for (;;) {
    const answer = probe.run(1e6).find(({ aoe }) => aoe.tag === 9);
    if (answer !== undefined) {
      expect(ataOf(answer).command).toBe(ata.STATUS_DRDY);
      return answer.rest[0] as number;
    }
    await Bun.sleep(1);
  }
}

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
    // Its lock too: nobody else can have it.
    expect(lockFile(openFile(path, { write: true }), true)).toBeLessThan(0);
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
    const next = [mask(1, 1), mask(2, 2), memory3];
    expect(refused(await reload(next))).toContain("The mask list of e8.2 can't be saved");
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
  const memory3 = { address: "e8.3", memory: "64k" };

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

  test("while one is on its way nothing else may change what is served", async () => {
    const slow = { address: "e8.1", memory: "64k", service: "delay:5ms" };
    const { probe, exports, reload } = build([slow]);
    probe.send(readFrame(0, 1, { major: 8, minor: 1 }));
    probe.turn();
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
    probe.turn();
    truncateSync(path, 8 * 512);
    exports.resize({ major: 8, minor: 1 });
    const answers = probe.run(10e6).filter(({ aoe }) => aoe.tag > 0);
    expect(answers.map((answer) => ataOf(answer))).toMatchObject([
      { feature: ata.ERROR_IDNF, lba: 12 },
      { feature: ata.ERROR_IDNF, lba: 12 },
    ]);
    expect(statSync(path).size).toBe(8 * 512);
  });

  test("a disk's arm crosses the new whole", () => {
    const path = image(16);
    const { exports, probe } = build([
      { address: "e8.1", file: path, service: "seek:7200/1ms/15ms" },
    ]);
    const [first] = [...exports.all];
    const model = first?.owner.model;
    truncateSync(path, 64 * 512);
    exports.resize({ major: 8, minor: 1 });
    expect(first?.owner.model).not.toBe(model as NonNullable<typeof model>);
    expect(first?.owner.model.text).toBe("seek:7200/1ms/15ms");
    probe.send(readFrame(60, 1, { major: 8, minor: 1, tag: 3 }));
    expect(probe.run(1e9).filter(({ aoe }) => aoe.tag === 3)).toHaveLength(1);
  });
});
