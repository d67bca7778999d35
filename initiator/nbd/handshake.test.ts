// The handshake's bytes, row by row: what is emitted into memory full of 0xA5 is the row's hex, what is parsed is
// its record, and every shorter piece of it is nothing.

import { describe, expect, test } from "bun:test";

import { createRandom } from "../../words/random.ts";
import {
  emitExport,
  emitGreeting,
  emitInfo,
  emitInfoRequest,
  emitOption,
  emitOptionReply,
  emitServer,
  type ExportFacts,
  isOption,
  optionCode,
  optionLength,
  parseInfoRequest,
  parseString,
} from "./handshake.ts";
import {
  INFO_BLOCK_SIZE,
  INFO_DESCRIPTION,
  INFO_EXPORT,
  INFO_NAME,
  OPT_GO,
  OPT_LIST,
  OPT_STRUCTURED_REPLY,
  REP_ACK,
  REP_ERR_UNSUP,
} from "./protocol.ts";

const FACTS: ExportFacts = {
  name: "disk",
  description: "e7.3 é",
  size: 0x0123_4567_89ab_cc00,
  flags: 0x014d,
  least: 512,
  preferred: 4096,
  most: 33_554_432,
};

/** What `write` makes of dirty memory, as hex, checked to have touched nothing else. */
function emitted(write: (view: DataView, at: number) => number): string {
  const bytes = new Uint8Array(512).fill(0xa5);
  const length = write(new DataView(bytes.buffer), 32);
  expect(bytes.subarray(0, 32).every((byte) => byte === 0xa5)).toBe(true);
  expect(bytes.subarray(32 + length).every((byte) => byte === 0xa5)).toBe(true);
  return Buffer.from(bytes.subarray(32, 32 + length)).toString("hex");
}

const hex = (text: string): string => text.replaceAll(/[^0-9a-f]/g, "");
const bytesOf = (text: string): Uint8Array => Buffer.from(hex(text), "hex");

const REPLY = "0003e889 045565a9";
const rows: [string, (view: DataView, at: number) => number, string][] = [
  ["greeting", (view, at) => emitGreeting(view, at, 3), "4e42444d 41474943 49484156 454f5054 0003"],
  [
    "option without data",
    (view, at) => emitOption(view, at, OPT_LIST, new Uint8Array(0)),
    "49484156 454f5054 00000003 00000000",
  ],
  [
    "option with data",
    (view, at) => emitOption(view, at, OPT_GO, bytesOf("00000000 0000")),
    "49484156 454f5054 00000007 00000006 00000000 0000",
  ],
  [
    "acknowledgement",
    (view, at) => emitOptionReply(view, at, OPT_STRUCTURED_REPLY, REP_ACK),
    `${REPLY} 00000008 00000001 00000000`,
  ],
  [
    "refusal",
    (view, at) => emitOptionReply(view, at, 77, REP_ERR_UNSUP, bytesOf("6e6f")),
    `${REPLY} 0000004d 80000001 00000002 6e6f`,
  ],
  [
    "a server's export",
    (view, at) => emitServer(view, at, OPT_LIST, "disk"),
    `${REPLY} 00000003 00000002 00000008 00000004 6469736b`,
  ],
  [
    "export, for OPT_EXPORT_NAME",
    (view, at) => emitExport(view, at, FACTS, false),
    "01234567 89abcc00 014d",
  ],
  [
    "export with the old zeroes",
    (view, at) => emitExport(view, at, FACTS, true),
    `01234567 89abcc00 014d ${"00".repeat(124)}`,
  ],
  [
    "info: export",
    (view, at) => emitInfo(view, at, OPT_GO, INFO_EXPORT, FACTS),
    `${REPLY} 00000007 00000003 0000000c 0000 01234567 89abcc00 014d`,
  ],
  [
    "info: name",
    (view, at) => emitInfo(view, at, OPT_GO, INFO_NAME, FACTS),
    `${REPLY} 00000007 00000003 00000006 0001 6469736b`,
  ],
  [
    "info: description, in UTF-8",
    (view, at) => emitInfo(view, at, OPT_GO, INFO_DESCRIPTION, FACTS),
    `${REPLY} 00000007 00000003 00000009 0002 65372e3320c3a9`,
  ],
  [
    "info: block sizes",
    (view, at) => emitInfo(view, at, OPT_GO, INFO_BLOCK_SIZE, FACTS),
    `${REPLY} 00000007 00000003 0000000e 0003 00000200 00001000 02000000`,
  ],
  ["info that nobody knows", (view, at) => emitInfo(view, at, OPT_GO, 9, FACTS), ""],
];
for (const [name, write, row] of rows) {
  test(`${name} is emitted as it should be`, () => {
    expect(emitted(write)).toBe(hex(row));
  });
}

test("an option's header is read back", () => {
  const bytes = new Uint8Array(64).fill(0xa5);
  const view = new DataView(bytes.buffer);
  emitOption(view, 8, 0x01020304, new Uint8Array(5));
  expect([isOption(view, 8), optionCode(view, 8), optionLength(view, 8)]).toEqual([
    true,
    0x01020304,
    5,
  ]);
  for (let at = 8; at < 16; at++) {
    bytes[at] = (bytes[at] as number) ^ 1;
    expect(isOption(view, 8)).toBe(false);
    bytes[at] = (bytes[at] as number) ^ 1;
  }
});

describe("what OPT_INFO and OPT_GO ask", () => {
  const asks: [string, string, { name: string; infos: number[] }][] = [
    ["the default, nothing more", "00000000 0000", { name: "", infos: [] }],
    ["a name, one info", "00000004 6469736b 0001 0003", { name: "disk", infos: [3] }],
    ["UTF-8, infos unknown", "00000002 c3a9 0002 0009 ffff", { name: "é", infos: [9, 65_535] }],
  ];
  for (const [what, row, record] of asks) {
    test(what, () => {
      const data = bytesOf(row);
      expect(parseInfoRequest(data)).toEqual(record);
      expect(Buffer.from(emitInfoRequest(record)).equals(data)).toBe(true);
      for (let length = 0; length < data.length; length++) {
        expect(parseInfoRequest(data.slice(0, length))).toBeNull();
      }
      expect(parseInfoRequest(Buffer.concat([data, new Uint8Array(1)]))).toBeNull();
    });
  }

  const wrong: [string, string][] = [
    ["a name longer than the data", "ffffffff 0000"],
    ["a name that is not UTF-8", "00000001 ff 0000"],
    ["a name with a NUL", "00000001 00 0000"],
    ["more infos than there are", "00000000 0002 0001"],
    ["fewer infos than there are", "00000000 0000 0001"],
  ];
  for (const [what, row] of wrong) {
    test(what, () => {
      expect(parseInfoRequest(bytesOf(row))).toBeNull();
    });
  }

  test("random bytes are a request or nothing, and a request is emitted as it came", () => {
    const seed = Number(process.env["AOE_SEED"] ?? 7);
    const random = createRandom(seed);
    let requests = 0;
    for (let round = 0; round < 20_000; round++) {
      const data = new Uint8Array(random.below(24)).map(() => random.below(4));
      const request = parseInfoRequest(data);
      if (request === null) continue;
      requests++;
      expect(Buffer.from(emitInfoRequest(request)).equals(data)).toBe(true);
    }
    expect(requests).toBeGreaterThan(0);
  });
});

test("a string is at most 4096 bytes of UTF-8 without NUL", () => {
  expect(parseString(new Uint8Array(4096).fill(65))).toHaveLength(4096);
  expect(parseString(new Uint8Array(4097).fill(65))).toBeNull();
  expect(parseString(bytesOf("6100"))).toBeNull();
  expect(parseString(bytesOf("c3"))).toBeNull();
  // A byte order mark is part of the name.
  expect(parseString(bytesOf("efbbbf"))).toHaveLength(1);
});
