// The target under everything at once, in accelerated time. Two hours of it:
// `AOE_SOAK=2h bun test testing/sim/target_soak.test.ts`.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openFileStore } from "../../target/stores/file.ts";
import { FileIo } from "../../target/stores/file_io.ts";
import { MS } from "../../words/quantity.ts";
import { parseDuration } from "../../words/quantity.ts";
import { MODELS, soak } from "./target_soak.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-soak-"));
afterAll(() => rmSync(directory, { recursive: true }));

const length = process.env["AOE_SOAK"] ?? "1m";
const seed = Number(process.env["AOE_SEED"] ?? 5);

/** Each with what it stands for. */
function descriptors(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      // The one by which the folder was read.
      return [];
    }
  });
}

test(`${length} of commands through every service model over a bad network: nothing leaks, counters add up`, () => {
  const before = descriptors();
  const io = new FileIo();
  const files = ["a", "b"].map((name) =>
    openFileStore({ path: join(directory, name), create: 4096 * 512, sync: name === "b" }),
  );
  const report = soak({
    seed,
    length: parseDuration(length, "AOE_SOAK"),
    depth: 2,
    pause: 200 * MS,
    stores: files,
  });
  for (const file of files) file.close();
  io.close();
  console.log(`seed ${seed}: ${JSON.stringify(report)}`);
  expect(report.wrong).toEqual([]);
  // By name, since the runtime may close one of its own meanwhile.
  expect(descriptors().filter((each) => !before.includes(each))).toEqual([]);
  // The network, the models and the commands that nobody answers have all had their say.
  expect(report.answers).toBeGreaterThan(report.commands / 2);
  expect(report.retransmits).toBeGreaterThan(report.commands / 100);
  expect(report.givenUp).toBeGreaterThan(0);
}, 3_600_000);

test("every model of the list is among them", () => {
  const names = new Set(
    MODELS.flatMap((text) => text.split(",")).map((part) => part.split(":")[0]),
  );
  names.delete("");
  expect([...names].sort()).toEqual([
    ..."delay drop duplicate error hang lanes rate reorder seek stall".split(" "),
  ]);
});
