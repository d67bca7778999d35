// Every row of fixtures/frames: parsed, emitted over 0xA5 (a byte not written shows), read back from
// where it was emitted, and cut at every length.

import { describe, expect, test } from "bun:test";
import { rows as ataRows } from "../fixtures/frames/ata.ts";
import { rows as configRows } from "../fixtures/frames/config.ts";
import { rows as listRows } from "../fixtures/frames/lists.ts";
import { rows as otherRows } from "../fixtures/frames/other.ts";
import { bytes, type Row } from "../fixtures/frames/row.ts";
import * as aoe from "./aoe.ts";
import * as ata from "./ata.ts";
import * as ethernet from "./ethernet.ts";
import * as frame from "./frame.ts";
import { isMalformed } from "./malformed.ts";
import * as mask from "./mask.ts";

const rows: readonly Row[] = [...ataRows, ...configRows, ...listRows, ...otherRows];

/** Bytes before a frame in the tests: odd, so that nothing is aligned by luck. */
const BASE = 7;
const DIRTY = 0xa5;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
/** `bytes` at BASE, 0xA5 before and behind it. */
function dirty(length: number): Uint8Array {
  return new Uint8Array(BASE + length + 16).fill(DIRTY);
}

test("row names are unique, and there are rows of every body", () => {
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
  const kinds = rows.map(({ record }) => (isMalformed(record) ? "malformed" : record.body.kind));
  expect([...new Set(kinds)].sort()).toEqual([
    "ata",
    "config",
    "malformed",
    "mask",
    "none",
    "reserve",
    "unknown",
    "vendor",
  ]);
});

describe.each(rows.map((row) => [row.name, row] as const))("%s", (_, { hex, record }) => {
  const wire = bytes(hex);

  test("parses", () => {
    const memory = dirty(wire.length);
    memory.set(wire, BASE);
    expect(frame.parse(viewOf(memory), BASE, wire.length)).toEqual(record);
  });

  if (isMalformed(record)) return;

  test("emits every byte of itself and none beside", () => {
    const memory = dirty(wire.length);
    frame.emit(record, viewOf(memory), BASE);
    const wanted = dirty(wire.length);
    wanted.set(wire, BASE);
    expect(frame.length(record)).toBe(wire.length);
    expect(memory.toHex()).toBe(wanted.toHex());
  });

  test("is the same after a journey", () => {
    const there = frame.toBytes(record);
    const back = frame.parse(viewOf(there), 0, there.length);
    expect(back).toEqual(record);
    if (isMalformed(back)) return;
    expect(frame.toBytes(back).toHex()).toBe(there.toHex());
  });

  test("cut at every length: a rule broken within the cut, or a frame that emits as it was", () => {
    for (let length = 0; length < wire.length; length++) {
      const cut = wire.slice(0, length);
      // What ends there has no byte behind it to read; what goes on must give the same.
      const alone = frame.parse(viewOf(cut), 0, length);
      expect(frame.parse(viewOf(wire), 0, length)).toEqual(alone);
      if (isMalformed(alone)) expect(alone.offset).toBeLessThanOrEqual(length);
      else expect(frame.toBytes(alone).toHex()).toBe(cut.toHex());
      if (length < 24) expect(isMalformed(alone)).toBe(true);
    }
  });
});

describe("data length (P18)", () => {
  const find = (name: string): frame.Frame => {
    const record = rows.find((row) => row.name === name)?.record;
    if (record === undefined || isMalformed(record)) throw new Error(`no frame ${name}`);
    return record;
  };
  const read = find("Linux's read ext of two sectors");
  const answer = find("vblade's answer to a read: count 0");

  test("a request's comes from its headers", () => {
    expect(frame.dataLength(read)).toBe(0);
    expect(frame.dataLength(find("write with bytes behind its data"))).toBe(512);
    expect(frame.dataLength(find("Linux's identify"))).toBe(0);
  });

  test("an answer's comes from its request alone", () => {
    expect(frame.dataLength(answer)).toBeNull();
    expect(frame.dataLength(answer, read)).toBe(1024);
    expect(frame.dataLength(answer, find("Linux's identify"))).toBe(512);
    expect(frame.dataLength(answer, find("asynchronous write ext of one sector"))).toBe(0);
    expect(frame.dataLength(answer, find("flush ext"))).toBe(0);
  });

  test("a failure has none", () => {
    expect(frame.dataLength(find("read that failed past the end"), read)).toBe(0);
    expect(frame.dataLength(find("error: target is reserved"), read)).toBe(0);
    // Whatever the registers of an AoE error say.
    const refused = { ...answer, aoe: { ...answer.aoe, flags: 0xc, error: 2 } };
    expect(frame.dataLength(refused, read)).toBe(0);
  });

  test("SMART's depends on the subcommand, an unknown opcode's is unknown", () => {
    expect(ata.answerDataLength(ata.SMART, 0, ata.SMART_READ_DATA, 1)).toBe(512);
    expect(ata.answerDataLength(ata.SMART, 0, ata.SMART_READ_LOG, 3)).toBe(1536);
    expect(ata.answerDataLength(ata.SMART, 0, ata.SMART_RETURN_STATUS, 1)).toBe(0);
    expect(ata.answerDataLength(0x2f, 0, 0, 1)).toBeNull();
    expect(ata.answerDataLength(0x92, ata.FLAG_WRITE, 0, 1)).toBe(0);
    expect(ata.requestDataLength(0x92, ata.FLAG_WRITE, 2)).toBe(1024);
  });
});

test("a write that the capture cut is no malformed one", () => {
  const wire = bytes(rows.find(({ name }) => name.startsWith("asynchronous"))?.hex ?? "");
  expect(wire.length).toBe(548);
  const cut = frame.parse(viewOf(wire), 0, 60, 548);
  expect(isMalformed(cut)).toBe(false);
  expect(isMalformed(frame.parse(viewOf(wire), 0, 60, 547))).toBe(true);
});

test("only an answer's mask error lets its count exceed its list (P17)", () => {
  const wire = dirty(60);
  const view = viewOf(wire);
  const parsed = (flags: number, error: number, count: number) => {
    aoe.write(view, 0, flags, 0, 7, 3, aoe.COMMAND_MASK, 1);
    mask.write(view, 0, mask.EDIT, error, count);
    return mask.parse(view, 0, 60);
  };
  expect(isMalformed(parsed(0, 0, 4))).toBe(false);
  expect(isMalformed(parsed(0, 0, 5))).toBe(true);
  expect(isMalformed(parsed(0, mask.ERROR_FULL, 5))).toBe(true);
  expect(isMalformed(parsed(aoe.FLAG_RESPONSE, 0, 5))).toBe(true);
  expect(isMalformed(parsed(aoe.FLAG_RESPONSE, mask.ERROR_FULL, 5))).toBe(false);
});

test("pad zeroes up to 60 bytes and touches no longer frame (P18)", () => {
  const short = dirty(60);
  expect(ethernet.pad(viewOf(short), BASE, 24)).toBe(60);
  const wanted = dirty(60);
  wanted.fill(0, BASE + 24, BASE + 60);
  expect(short.toHex()).toBe(wanted.toHex());
  for (const length of [60, 61, 1514]) {
    const long = dirty(length);
    expect(ethernet.pad(viewOf(long), BASE, length)).toBe(length);
    expect(long.every((byte) => byte === DIRTY)).toBe(true);
  }
});
