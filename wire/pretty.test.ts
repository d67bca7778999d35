// The line of each kind of frame, and every field of one of each.

import { expect, test } from "bun:test";
import { rows as ataRows } from "../fixtures/frames/ata.ts";
import { rows as configRows } from "../fixtures/frames/config.ts";
import { rows as listRows } from "../fixtures/frames/lists.ts";
import { rows as otherRows } from "../fixtures/frames/other.ts";
import { fields } from "./fields.ts";
import type { Frame } from "./frame.ts";
import { isMalformed } from "./malformed.ts";
import { formatFrame, formatMeaning } from "./pretty.ts";

function row(name: string): Frame {
  const rows = [...ataRows, ...configRows, ...listRows, ...otherRows];
  const record = rows.find((row) => row.name === name)?.record;
  if (record === undefined || isMalformed(record)) throw new Error(`no frame ${name}`);
  return record;
}

test("a whole line", () => {
  expect(formatFrame(row("Linux's discovery"))).toBe(
    "52:54:00:a0:e0:01 > broadcast e*.* tag 0x00000000: config read",
  );
  expect(formatFrame(row("vblade's announcement: version 0"))).toBe(
    '6e:8b:6d:c0:c6:47 > broadcast e7.3 tag 0x00000000 version 0: config read answer: 16 buffers, 2 sectors, firmware 0x4019, string ""',
  );
});

test.each([
  ["Linux's identify", "identify"],
  ["Linux's read ext of two sectors", "read ext lba 99456 sectors 2"],
  ["read with device bits in lba3", "read lba 36984440 sectors 1"],
  ["asynchronous write ext of one sector", "write ext lba 9 sectors 1, async"],
  ["flush ext", "flush ext"],
  ["vblade's answer to a read: count 0", "ata answer: DRDY, 1024 bytes behind the header"],
  ["read that failed past the end", "ata failed: DRDY ERR, IDNF, lba 131072"],
  ["error: target is reserved", "ata error 6 (target is reserved)"],
  [
    "unknown opcode, all reserved bits set",
    "ata command 0xff feature 0xff lba 281474976710655 sectors 255, async",
  ],
  ["set", 'config set "lab"'],
  ["unknown CCmd and version, kept", 'config 0x0f "\\x00"'],
  ["error 4 with the string that stands", "config set error 4 (config string present)"],
  ["mask read", "mask read"],
  [
    "mask edit: delete one, add one, unknown directive with a reserved byte set",
    "mask edit: delete 52:54:00:a0:e0:01, add 52:54:00:a0:e0:02, 0x09 52:54:00:a0:e0:03",
  ],
  [
    "mask edit that failed after the second directive, answered without a list",
    "mask edit failed: 2 (bad directive), 2 directives done",
  ],
  ["reserve set for two", "reserve set: 52:54:00:a0:e0:01, 52:54:00:a0:e0:02"],
  [
    "reserve list of 255",
    "reserve set answer: 02:00:00:00:00:00, 02:00:00:00:01:01, 02:00:00:00:02:02, 02:00:00:00:03:03 and 251 more",
  ],
  ["unknown command 4 with bytes behind it", "unknown command 0x04, 4 bytes"],
  ["error 1, header only", "unknown command 0xef error 1 (unrecognized command)"],
  ["error answer to a mask command, nothing behind the AoE header", "mask error 2 (bad argument)"],
  [
    "error answer to a reserve command that echoes a count without its addresses",
    "reserve error 6 (target is reserved)",
  ],
])("%s", (name, line) => {
  expect(formatMeaning(row(name))).toBe(line);
});

const BARE = "error answer to a mask command, nothing behind the AoE header";

test("four addresses are listed, of five the fifth is counted", () => {
  const list = (count: number): string => {
    const { ethernet, aoe, rest } = row("reserve read");
    const macs = Array.from({ length: count }, (_, index) => index + 1);
    return formatMeaning({ ethernet, aoe, rest, body: { kind: "reserve", command: 1, macs } });
  };
  expect(list(4)).toEndWith("00:00:00:00:00:04");
  expect(list(5)).toEndWith("00:00:00:00:00:04 and 1 more");
});

test("an answer says what was asked, once the request is known", () => {
  const read = row("Linux's read ext of two sectors");
  expect(formatMeaning(row("vblade's answer to a read: count 0"), read)).toBe(
    "read ext answer: DRDY, 1024 bytes",
  );
  const past = row("read that failed past the end");
  expect(formatMeaning(past, read)).toBe("read ext failed: DRDY ERR, IDNF, lba 131072");
  // Device bits are no part of an address of 28 bits.
  if (past.body.kind !== "ata") throw new Error("unreachable");
  const echoed = { ...past, body: { ...past.body, lba: past.body.lba + 0xe000_0000 } };
  expect(formatMeaning(echoed, row("read with device bits in lba3"))).toBe(
    "read failed: DRDY ERR, IDNF, lba 131072",
  );
  expect(
    formatMeaning(
      row(BARE),
      row("mask edit: delete one, add one, unknown directive with a reserved byte set"),
    ),
  ).toBe("mask edit error 2 (bad argument)");
  expect(formatMeaning(row("error: target is reserved"), read)).toBe(
    "read ext error 6 (target is reserved)",
  );
});

test("flags that contradict the opcode are told (P21)", () => {
  const read = row("Linux's read ext of two sectors");
  if (read.body.kind !== "ata") throw new Error("unreachable");
  const odd = { ...read, body: { ...read.body, flags: 1 } };
  expect(formatMeaning(odd)).toBe("read ext lba 99456 sectors 2, E flag not set, W flag set");
});

test("all fields of an answer, data told from padding by the request", () => {
  const lines = (frame: Frame, request: Frame | null) =>
    fields(frame, request).map(
      ({ layer, name, offset, size, text }) => `${offset}+${size} ${layer} ${name}: ${text}`,
    );
  const read = row("Linux's read ext of two sectors");
  const answer = row("vblade's answer to a read: count 0");
  expect(lines(answer, read)).toEqual([
    "0+6 ethernet destination: 52:54:00:a0:e0:01",
    "6+6 ethernet source: 6e:8b:6d:c0:c6:47",
    "12+2 ethernet type: 0x88a2",
    "14+1 aoe version: 1",
    "14+1 aoe flags: 8 (R)",
    "15+1 aoe error: 0",
    "16+2 aoe major: 7",
    "18+1 aoe minor: 3",
    "19+1 aoe command: 0 (ata)",
    "20+4 aoe tag: 0x0000001a",
    "24+1 ata flags: 64 (E)",
    "25+1 ata error: 0",
    "26+1 ata count: 0",
    "27+1 ata status: 64 (DRDY)",
    "28+6 ata lba: 99458",
    "34+2 ata reserved: 0x0000",
    "36+1024 rest data: 1024 bytes",
  ]);
  expect(lines(answer, null).at(-1)).toBe("36+1024 rest data or padding: 1024 bytes");
  expect(lines(answer, row("flush ext")).at(-1)).toBe(
    "36+1024 rest padding: 1024 bytes, not all zero",
  );
  const short = { ...answer, rest: answer.rest.slice(0, 1000) };
  expect(lines(short, read).at(-1)).toBe("36+1000 rest data: 1000 of 1024 bytes");
  expect(lines(row("write with bytes behind its data"), null).slice(-2)).toEqual([
    "36+512 rest data: 512 bytes",
    "548+3 rest padding: 3 bytes, not all zero",
  ]);
});
