// The same frames in every container that a capture may have: VLAN tags, cooked headers, both formats, older blocks,
// gzip; what is not known is stepped over. tshark, where it is installed, must find the same.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const AOE = new URL("../aoe.ts", import.meta.url).pathname;
const A = "5254 00a0 e001";
const B = "6e8b 6dc0 c647";
/** A read of e7.3, its answer, and an error answer to a reserve of nobody; from the AoE header on. */
const READ = "10 00 0007 03 00 80000001 40 00 02 24 080000000000 0000";
const DATA = `18 00 0007 03 00 80000001 40 00 02 40 080000000000 0000 ${"ab".repeat(1024)}`;
const DISCOVERY = `10 00 ffff ff 01 80000002 0000 0000 00 00 0000 ${"00".repeat(28)}`;
const TOLD = "18 00 0007 03 01 80000002 0010 4019 02 10 0002 6869";
const MEANINGS = [
  "read ext lba 8 sectors 2",
  "read ext answer: DRDY, 1024 bytes",
  "config read",
  'config read answer: 16 buffers, 2 sectors, firmware 0x4019, string "hi"',
];
const ANSWERS = [null, 1, null, 3];

type Hex = string;
const bytesOf = (hex: Hex): Uint8Array => Uint8Array.fromHex(hex.replaceAll(" ", ""));

/** The four, each behind the header that `head` makes of its addresses and of whether A sends it. */
function framesBehind(head: (to: Hex, from: Hex, sent: boolean) => Hex): Uint8Array[] {
  return [
    bytesOf(`${head(B, A, true)} ${READ}`),
    bytesOf(`${head(A, B, false)} ${DATA}`),
    bytesOf(`${head("ffff ffff ffff", A, true)} ${DISCOVERY}`),
    bytesOf(`${head(A, B, false)} ${TOLD}`),
  ];
}

const ethernet = (tags: Hex) => framesBehind((to, from) => `${to} ${from} ${tags} 88a2`);
const PLAIN = ethernet("");
const SLL = framesBehind((_, from, sent) => `000${sent ? 4 : 0} 0001 0006 ${from} 0000 88a2`);
const SLL2 = framesBehind(
  (_, from, sent) => `88a2 0000 00000005 0001 0${sent ? 4 : 0} 06 ${from} 0000`,
);

const u32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** A classic capture, a millisecond between frames. */
function classic(frames: readonly Uint8Array[], linktype = 1): Uint8Array<ArrayBuffer> {
  const head = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, ...u32(0), ...u32(0), ...u32(262_144)];
  const records = frames.flatMap((frame, index) => [
    ...u32(1_700_000_000),
    ...u32(1000 * index),
    ...u32(frame.length),
    ...u32(frame.length),
    ...frame,
  ]);
  return Uint8Array.from([...head, ...u32(linktype), ...records]);
}

function block(type: number, body: readonly number[]): number[] {
  const padded = [...body, ...Array<number>((4 - (body.length % 4)) % 4).fill(0)];
  return [...u32(type), ...u32(12 + padded.length), ...padded, ...u32(12 + padded.length)];
}

const SECTION = block(0x0a0d0d0a, [...u32(0x1a2b3c4d), 1, 0, 0, 0, ...Array<number>(8).fill(0xff)]);
const described = (linktype: number, snaplen = 0): number[] =>
  block(1, [linktype & 0xff, linktype >> 8, 0, 0, ...u32(snaplen)]);
const sizes = (frame: Uint8Array): number[] => [...u32(frame.length), ...u32(frame.length)];
/** 1,700,000,000 s in µs, and a millisecond for each frame before. */
const time = (index: number): number[] => {
  const us = 1_700_000_000_000_000n + BigInt(index) * 1000n;
  return [...u32(Number(us >> 32n)), ...u32(Number(us & 0xffff_ffffn))];
};
const enhanced = (frame: Uint8Array, index: number, from: number): number[] =>
  block(6, [...u32(from), ...time(index), ...sizes(frame), ...frame]);
/** Interface 1, 7 drops. */
const obsolete = (frame: Uint8Array, index: number): number[] =>
  block(2, [1, 0, 7, 0, ...time(index), ...sizes(frame), ...frame]);

const IP = bytesOf("4500 0014 0000 0000 4001 0000 7f00 0001 7f00 0001");

/** Each with what stands between the addresses and the device in its lines. */
const CONTAINERS: readonly (readonly [string, Uint8Array<ArrayBuffer>, string])[] = [
  ["Ethernet", classic(PLAIN), ""],
  ["802.1Q", classic(ethernet("8100 0007")), "vlan 7"],
  ["a priority tag", classic(ethernet("8100 a000")), "vlan 0 priority 5"],
  ["QinQ by 802.1ad", classic(ethernet("88a8 0064 8100 2007")), "vlan 100.7 priority 0.1"],
  ["QinQ by 0x9100", classic(ethernet("9100 0064 8100 0007")), "vlan 100.7"],
  ["QinQ by 802.1Q twice", classic(ethernet("8100 0064 8100 0007")), "vlan 100.7"],
  ["SLL", classic(SLL, 113), ""],
  ["SLL2", classic(SLL2, 276), ""],
  [
    "SLL2 with a tag",
    classic(
      framesBehind((_, from) => `8100 0000 00000005 0001 00 06 ${from} 0000 0007 88a2`),
      276,
    ),
    "vlan 7",
  ],
  ["gzip", Bun.gzipSync(classic(PLAIN)), ""],
  [
    "pcapng whose first interface is none of ours",
    Uint8Array.from([
      ...SECTION,
      ...described(101),
      ...described(1),
      ...PLAIN.flatMap((frame, index) => enhanced(frame, index, 1)),
    ]),
    "",
  ],
  [
    "pcapng with the obsolete packet block",
    Uint8Array.from([...SECTION, ...described(101), ...described(1), ...PLAIN.flatMap(obsolete)]),
    "",
  ],
  [
    "pcapng, gzip, tags on a cooked interface and on another",
    Bun.gzipSync(
      Uint8Array.from([
        ...SECTION,
        ...described(276),
        ...described(1),
        ...SLL2.slice(0, 2).flatMap((frame, index) => enhanced(frame, index, 0)),
        ...ethernet("8100 0007")
          .slice(2)
          .flatMap((frame, index) => enhanced(frame, index + 2, 1)),
      ]),
    ),
    "",
  ],
];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-containers-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function decode(file: Uint8Array, ...words: string[]) {
  const path = join(folder, "capture");
  writeFileSync(path, file);
  const run = Bun.spawnSync([process.execPath, AOE, "decode", path, ...words], { stdin: "ignore" });
  return { out: run.stdout.toString(), err: run.stderr.toString(), code: run.exitCode };
}

interface Decoded {
  readonly number: number;
  readonly at_ns: number;
  readonly meaning: string;
  readonly answers: number | null;
  readonly ethernet: { readonly destination: string | null; readonly source: string };
  readonly aoe: {
    readonly major: number;
    readonly minor: number;
    readonly command: number;
    readonly tag: number;
  };
}

const decoded = (file: Uint8Array): readonly Decoded[] =>
  JSON.parse(decode(file, "--json").out).frames;

describe.each(CONTAINERS)("%s", (name, file, tags) => {
  test("has the same frames, each answer with its request", () => {
    const frames = decoded(file);
    expect(frames.map(({ meaning }) => meaning)).toEqual(MEANINGS);
    expect(frames.map(({ answers }) => answers)).toEqual(ANSWERS);
    expect(frames.map(({ at_ns: at }) => at)).toEqual([0, 1e6, 2e6, 3e6]);
    expect(frames.map(({ ethernet: { source } }) => source.replaceAll(":", ""))).toEqual(
      [A, B, A, B].map((mac) => mac.replaceAll(" ", "")),
    );
    const { out, err, code } = decode(file);
    expect([code, err]).toEqual([0, "4 frames, 2 requests, 0 of them unanswered\n"]);
    if (tags !== "") expect(out.split("\n")[0]).toContain(` ${tags} e7.3 tag`);
  });

  test("--verbose counts offsets from the frame's own start", () => {
    const { out } = decode(file, "-v");
    const tag = /^ +(\d+) {2}aoe tag /m.exec(out)?.[1];
    expect([name, Number(tag)]).toEqual([name, 20 + offsetOf(name)]);
    // The last one has frames of both kinds.
    for (const field of name.includes("cooked") ? [] : ["ethernet source", "vlan tag"]) {
      const wanted = field === "vlan tag" ? tags !== "" : !name.startsWith("SLL");
      expect([name, field, out.includes(`  ${field} `)]).toEqual([name, field, wanted]);
    }
  });
});

/** By how much the AoE header stands later than behind a plain Ethernet header. */
function offsetOf(name: string): number {
  if (name.startsWith("QinQ")) return 8;
  if (name === "SLL") return 2;
  if (name === "SLL2 with a tag") return 10;
  if (name === "SLL2" || name.includes("cooked")) return 6;
  return name === "802.1Q" || name === "a priority tag" ? 4 : 0;
}

describe("stepped over, and said", () => {
  const mixed = Uint8Array.from([
    ...SECTION,
    ...block(0x7b, [1, 2, 3, 4]),
    ...described(101),
    ...described(1),
    ...block(5, Array<number>(8).fill(0)),
    ...enhanced(IP, 0, 0),
    ...enhanced(PLAIN[0] ?? IP, 1, 1),
    ...block(0x7b, []),
    ...enhanced(IP, 2, 0),
    ...enhanced(PLAIN[1] ?? IP, 3, 1),
  ]);

  test("link types and blocks that are not known; frames keep the numbers that other tools give", () => {
    const { out, err, code } = decode(mixed);
    expect(code).toBe(0);
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => line.trim().split(" ")[0]),
    ).toEqual(["2", "4"]);
    expect(out).toContain("[to 2 in 2 ms]");
    expect(err).toBe(
      [
        "2 frames, 1 request, 0 of them unanswered",
        "Stepped over what this program does not know: 2 packets of link type 101 (IP without a link header), 2 blocks of type 0x0000007b",
        "",
      ].join("\n"),
    );
    expect(JSON.parse(decode(mixed, "--json").out).summary.stepped_over).toEqual([
      { count: 2, what: "packets of link type 101 (IP without a link header)" },
      { count: 2, what: "blocks of type 0x0000007b" },
    ]);
  });

  test("a classic capture of another link type has no frames, and says so", () => {
    const { out, err, code } = decode(classic([IP], 101));
    expect([out, code]).toEqual(["", 0]);
    expect(err).toContain("0 frames");
    expect(err).toContain("1 packet of link type 101");
  });
});

describe("one frame seen twice is no retransmit", () => {
  test("by `tcpdump -i any` at both ends of a wire", () => {
    // Out of interface 4, into interface 5; the answer the other way.
    const seen = (how: number, index: number, from: Hex, rest: Hex) =>
      bytesOf(`88a2 0000 0000000${index} 0001 0${how} 06 ${from} 0000 ${rest}`);
    const twice = [
      seen(4, 4, A, READ),
      seen(0, 5, A, READ),
      seen(4, 5, B, DATA),
      seen(0, 4, B, DATA),
    ];
    const { out, err } = decode(classic(twice, 276));
    expect(out.split("\n").map((line) => / \[.*\]$/.exec(line)?.[0] ?? "")).toEqual([
      " [sent by interface 4]",
      " [received by interface 5]",
      " [sent by interface 5, to 1 in 1 ms]",
      " [received by interface 4, to 1 in 3 ms]",
      "",
    ]);
    expect(err).toBe("4 frames, 1 request, 0 of them unanswered\n");
  });

  test("by two interfaces of a pcapng; a second copy on one of them is", () => {
    const [request = IP] = PLAIN;
    const file = Uint8Array.from([
      ...SECTION,
      ...described(1),
      ...described(1),
      ...[0, 1, 0].flatMap((from, index) => enhanced(request, index, from)),
    ]);
    expect(decode(file).err).toBe("3 frames, 1 request, 1 of them unanswered, 1 retransmit\n");
  });
});

test("what a tag says: that the frame may be dropped, and where each stands", () => {
  const file = classic(ethernet("88a8 5064 8100 2007"));
  const [frame] = JSON.parse(decode(file, "--json").out).frames;
  expect(frame.ethernet.vlan).toEqual([
    { protocol: 0x88a8, id: 100, priority: 2, drop_eligible: true },
    { protocol: 0x8100, id: 7, priority: 1, drop_eligible: false },
  ]);
  const fields = [...decode(file, "-v").out.matchAll(/^ +(\d+) {2}vlan (.+?) {2,}(.+)$/gm)];
  expect(fields.slice(0, 5).map(([, offset, name, text]) => `${offset} ${name}: ${text}`)).toEqual([
    "12 protocol: 0x88a8",
    "14 tag: id 100, priority 2, may be dropped",
    "16 protocol: 0x8100",
    "18 tag: id 7, priority 1",
    "20 type: 0x88a2",
  ]);
});

test("cooked headers: a broadcast, a sender without a MAC, who sent", () => {
  const cooked = (how: string, length: string) =>
    bytesOf(`${how} 0001 ${length} ${A} 0000 88a2 ${READ}`);
  const file = classic([cooked("0001", "0006"), cooked("0004", "0000")], 113);
  const { frames } = JSON.parse(decode(file, "--json").out);
  const shown = frames.map(({ ethernet: { destination, source, sent } }: never) => [
    destination,
    source,
    sent,
  ]);
  expect(shown).toEqual([
    ["ff:ff:ff:ff:ff:ff", "52:54:00:a0:e0:01", false],
    [null, null, true],
  ]);
  expect(decode(file).out).toContain(" ? > ? e7.3 tag");
});

test("a tag that is cut, one that a snaplen cut, a simple packet that a snaplen cut", () => {
  const short = bytesOf(`${A} ${B} 8100 00`);
  const { out } = decode(classic([short]));
  expect(out).toContain(
    "malformed, 15 bytes: vlan header at 15: expected at least 18 bytes, got 15",
  );
  const [frame = IP] = ethernet("8100 0007");
  const cut = classic([frame]).slice(0, 24 + 16 + 17);
  cut.set(u32(17), 24 + 8);
  expect(decode(cut).out).toContain("cut by the capture at 17 of 40 bytes: vlan header at 17");
  // Kept are 38 bytes and two that fill the block.
  const [plain = IP] = PLAIN;
  const simple = block(3, [...u32(60), ...plain, 0xee, 0xee].slice(0, 4 + 38));
  const { frames } = JSON.parse(
    decode(Uint8Array.from([...SECTION, ...described(1, 38), ...simple]), "--json").out,
  );
  expect([frames[0].captured_bytes, frames[0].length_bytes]).toEqual([38, 60]);
});

test("gzip that is cut: what stands before the cut, then the damage, and 1", () => {
  const many = Array.from({ length: 200 }, (_, index) => PLAIN[index % 4] ?? IP);
  const random = many.map((frame, index) => {
    const own = frame.slice();
    if (own.length > 1000)
      for (let at = 40; at < own.length; at++) own[at] = (at * index) ^ (at >> 3);
    return own;
  });
  const packed = Bun.gzipSync(classic(random));
  const { out, err, code } = decode(packed.slice(0, packed.length >> 1));
  expect(code).toBe(1);
  expect(out.split("\n").length).toBeGreaterThan(10);
  expect(err).toContain("is damaged: gzip: ");
  expect(err.trimEnd().split("\n").length).toBe(2);
  // Members behind each other are one file, as gzip has it.
  const two = Buffer.concat([
    Bun.gzipSync(classic(many.slice(0, 4))),
    Bun.gzipSync(new Uint8Array(0)),
  ]);
  expect(decode(two).err).toContain("4 frames");
});

test("an interface of a pcapng may say how many seconds to add to its times", () => {
  const option = [14, 0, 8, 0, 100, 0, 0, 0, 0, 0, 0, 0];
  const late = block(1, [1, 0, 0, 0, ...u32(0), ...option]);
  const file = Uint8Array.from([
    ...SECTION,
    ...described(1),
    ...late,
    ...enhanced(PLAIN[0] ?? IP, 0, 0),
    ...enhanced(PLAIN[1] ?? IP, 0, 1),
  ]);
  expect(decoded(file).map(({ at_ns: at }) => at)).toEqual([0, 100e9]);
});

const tshark = Bun.which("tshark", { PATH: `${process.env["PATH"]}:/usr/sbin` });

describe.skipIf(tshark === null)(
  tshark === null ? "tshark agrees (skipped: tshark is not installed)" : "tshark agrees",
  () => {
    test.each(CONTAINERS)("%s", (_, file) => {
      const path = join(folder, "for-tshark");
      writeFileSync(path, file);
      const columns = ["frame.number", "aoe.major", "aoe.minor", "aoe.cmd", "aoe.tag"];
      const run = Bun.spawnSync(
        [tshark ?? "", "-r", path, "-T", "fields", ...columns.flatMap((one) => ["-e", one])],
        { stdin: "ignore", stderr: "ignore" },
      );
      const theirs = run.stdout.toString().trimEnd().split("\n");
      const hex = (value: number, digits: number) =>
        `0x${value.toString(16).padStart(digits, "0")}`;
      const ours = decoded(file).map(({ number, aoe }) =>
        [number, hex(aoe.major, 4), hex(aoe.minor, 2), aoe.command, hex(aoe.tag, 8)].join("\t"),
      );
      expect(ours).toEqual(theirs);
    });
  },
);
