// A document that is missing or cut is no data; it is never zero.

import { afterAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readClosingFigures } from "./closing_figures.ts";
import { makeScratch } from "./scratch.ts";

const { folder, remove } = makeScratch("closing");
afterAll(remove);
const path = join(folder, "target.json");

const PORT = { over_buffer_count: 1, over_bound: 2, rx_buffers_full: 4, tx_buffers_full: 8 };

test("of several interfaces the sum", () => {
  writeFileSync(path, JSON.stringify({ interfaces: [PORT, { ...PORT, over_bound: 0 }] }));
  expect(readClosingFigures(path)).toEqual({ beyond: 4, lost: 8, waited: 16, way: null });
});

test("of frames by path, the shares of those that there are", () => {
  const port = { ...PORT, tx: 100, tx_by_xdp: 90, tx_linear: 0 };
  writeFileSync(path, JSON.stringify({ interfaces: [port, { ...port, tx_by_xdp: 70 }] }));
  expect(readClosingFigures(path)?.way).toBe("AF_XDP 80 %, send 20 %");
});

test.each([
  ["no file", null],
  ["an empty one, as a killed target leaves it", ""],
  ["half of one", '{"interfaces":[{"over_buf'],
  ["one without interfaces", '{"interfaces":[]}'],
  ["one without a figure", JSON.stringify({ interfaces: [{ ...PORT, over_bound: undefined }] })],
])("%s: no data", (_, text) => {
  rmSync(path, { force: true });
  if (text !== null) writeFileSync(path, text);
  expect(readClosingFigures(path)).toBeNull();
});
