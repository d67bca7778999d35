// The serial number that an export has by itself: one for each host and image, the same after a restart.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

import { SERIAL_LENGTH } from "../../wire/identify.ts";
import type { ExportPlan, StorePlan } from "../config/plan.ts";
import { serial } from "../config/values.ts";
import { serialFor, serialOf } from "./serial.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-serial-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plan(store: StorePlan, more: Partial<ExportPlan> = {}): ExportPlan {
  return {
    address: { major: 7, minor: 3 },
    store,
    offset: 0,
    length: null,
    readOnly: false,
    sync: false,
    direct: false,
    masks: null,
    bufferCount: 64,
    serial: null,
    service: "",
    ...more,
  };
}

function file(path: string): StorePlan {
  return { kind: "file", path, device: false, create: null };
}

function image(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, new Uint8Array(512));
  return path;
}

test("as long as a serial number may be, and the same each time", () => {
  const path = image("same");
  const said = serialOf(plan(file(path)));
  expect(said).toMatch(/^AoE-[0-9a-f]{16}$/);
  expect(said.length).toBe(SERIAL_LENGTH);
  expect(serialOf(plan(file(path)))).toBe(said);
  expect(serialOf(plan(file(relative(process.cwd(), path))))).toBe(said);
  const link = join(folder, "link");
  symlinkSync(path, link);
  expect(serialOf(plan(file(link)))).toBe(said);
  // What may change while the disk stays the same one.
  expect(serialOf(plan(file(path), { length: 1, readOnly: true, bufferCount: 2 }))).toBe(said);
});

test("another host, image, first sector, or file put in its place: another one", () => {
  const path = image("one");
  const first = serialOf(plan(file(path)));
  const others = [
    serialOf(plan(file(image("two")))),
    serialOf(plan(file(path), { offset: 1 })),
    serialOf(plan(file("/dev/null"))),
  ];
  renameSync(image("new"), path);
  others.push(serialOf(plan(file(path))));
  expect(new Set([first, ...others]).size).toBe(1 + others.length);
  expect(serialFor("one host", "disk")).not.toBe(serialFor("another host", "disk"));
});

test("memory is another disk at each start", () => {
  const memory: StorePlan = { kind: "memory", bytes: 512 };
  expect(serialOf(plan(memory))).not.toBe(serialOf(plan(memory)));
});

test("the one that was given, where one was", () => {
  expect(serialOf(plan(file(image("given")), { serial: "pair 7" }))).toBe("pair 7");
});

test("what an IDENTIFY sector can't hold is refused", () => {
  expect(serial("a".repeat(20), "--serial")).toBe("a".repeat(20));
  for (const bad of ["", "a".repeat(21), " a", "a ", "é", "a\tb"]) {
    expect(() => serial(bad, "--serial")).toThrow(
      `Expected \`--serial\` to be 1 to 20 characters of printable ASCII`,
    );
  }
});
