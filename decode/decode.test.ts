// `aoe decode` as its user meets it: the whole command, on real captures and on bad ones.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createWriter } from "../wire/pcap.ts";
import { printableLines } from "../words/printable.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const LINUX = "fixtures/linux-6.1-aoe-against-vblade.pcap";
const IPXE = "fixtures/ipxe-against-vblade.pcap";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "decode-"));
});
afterAll(async () => rm(folder, { recursive: true }));

interface Ended {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

async function decode(words: readonly string[], stdin?: Uint8Array): Promise<Ended> {
  const command = [process.execPath, "aoe.ts", "decode", ...words];
  const child = Bun.spawn(command, {
    cwd: ROOT,
    stdin: stdin ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, NO_COLOR: "1" },
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { out, err, code };
}

/** A capture of frames given in hexadecimal, a microsecond apart; `snaplen` cuts them. */
function captureOf(frames: readonly string[], snaplen?: number): Uint8Array {
  const memory = new DataView(new ArrayBuffer(65_536));
  const writer = createWriter(memory, 1_700_000_000, snaplen);
  for (const [index, hex] of frames.entries()) {
    const bytes = Uint8Array.fromHex(hex.replaceAll(" ", ""));
    writer.append(new DataView(bytes.buffer), 0, bytes.length, index * 1000);
  }
  return new Uint8Array(memory.buffer, 0, writer.length());
}

const ASK = "6e8b6dc0c647 525400a0e001 88a2";
const TELL = "525400a0e001 6e8b6dc0c647 88a2";
const READ = `${ASK} 10 00 0007 03 00 80000001 40 00 02 24 080000000000 0000`;

describe.each([
  [LINUX, 240, 120, 0],
  [IPXE, 120, 60, 1],
] as const)("%s", (file, frames, requests, unanswered) => {
  test("a line for each frame, round trips behind the answers, a summary on stderr", async () => {
    const { out, err, code } = await decode([file]);
    const lines = out.trimEnd().split("\n");
    expect(code).toBe(0);
    expect(lines.length).toBe(frames);
    expect(lines.filter((line) => / \[to \d+ in [\d.]+ (µs|ms)\]$/.test(line)).length).toBe(
      requests - unanswered,
    );
    expect(err).toContain(
      `${frames} frames, ${requests} requests, ${unanswered} of them unanswered`,
    );
  });

  test("as JSON: the same, in figures", async () => {
    const { out, code } = await decode([file, "--json"]);
    expect(code).toBe(0);
    const document = JSON.parse(out);
    expect(document.schema).toBe("aoe-decode/1");
    expect(document.frames.length).toBe(frames);
    expect(document.summary).toMatchObject({
      frames,
      requests,
      unanswered,
      malformed: 0,
      damage: null,
    });
    for (const { answers, round_trip_ns } of document.frames) {
      expect(answers === null).toBe(round_trip_ns === null);
    }
  });
});

test("golden lines: discovery, identify, read, each with its answer", async () => {
  const { out } = await decode([LINUX]);
  const lines = out.split("\n");
  expect([lines[2], lines[3], lines[5], lines[6], lines[10]]).toEqual([
    "     3    16.082945000  52:54:00:a0:e0:01 > broadcast e*.* tag 0x00000000: config read",
    '     4    16.083025000  6e:8b:6d:c0:c6:47 > 52:54:00:a0:e0:01 e7.3 tag 0x00000000: config read answer: 16 buffers, 2 sectors, firmware 0x4019, string "" [to 3 in 80 µs]',
    "     6    16.111645000  6e:8b:6d:c0:c6:47 > 52:54:00:a0:e0:01 e7.3 tag 0x0001e246: identify answer: DRDY, 512 bytes [to 5 in 1.57 ms]",
    "     7    16.221746000  52:54:00:a0:e0:01 > 6e:8b:6d:c0:c6:47 e7.3 tag 0x0002e262: read ext lba 0 sectors 2",
    "    11    16.221867000  6e:8b:6d:c0:c6:47 > 52:54:00:a0:e0:01 e7.3 tag 0x0002e262: read ext answer: DRDY, 1024 bytes [to 7 in 121 µs]",
  ]);
});

test("vblade's announcement is one, version and all", async () => {
  const { out } = await decode([IPXE]);
  expect(out.split("\n")[0]).toEndWith(
    ' version 0: config read answer: 16 buffers, 2 sectors, firmware 0x4019, string "" [announcement]',
  );
});

test("--match picks by what was asked, answers too; --verbose shows each byte's field", async () => {
  const { out } = await decode([LINUX, "--match", "identify,config", "--ndjson"]);
  const objects = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const meanings = objects.slice(0, -1).map(({ meaning }) => meaning.split(" ")[0]);
  expect([...new Set(meanings)].sort()).toEqual(["config", "identify"]);
  expect(objects.at(-1).summary.frames).toBe(240);
  const verbose = await decode([LINUX, "--match", "identify", "-v"]);
  expect(verbose.out).toContain("        27  ata command               236 (identify)\n");
  expect(verbose.out).toContain("        36  rest data                 512 bytes\n");
});

test("malformed frames are shown with the rule that they break, and end nothing", async () => {
  const file = captureOf([
    `${ASK} 10 00 0007 03 01 80000002 0000 0000 00 03 0401 61`,
    `${TELL} 18 00 0007 03 03 80000003 00 ff 525400a0e001`,
    "6e8b6dc0c647",
    `${ASK} 0800 4500`.replace("88a2 ", ""),
    READ,
  ]);
  const { out, err, code } = await decode(["-", "--all"], file);
  expect(code).toBe(0);
  expect(out.split("\n")).toEqual([
    "     1     0.000000000  52:54:00:a0:e0:01 > 6e:8b:6d:c0:c6:47 malformed, 33 bytes: config string length at 30: expected at most 1024 bytes, got 1025",
    "     2     0.000001000  6e:8b:6d:c0:c6:47 > 52:54:00:a0:e0:01 malformed, 32 bytes: reserve MAC count at 25: expected at most the 1 addresses that the frame holds, got 255",
    "     3     0.000002000  malformed, 6 bytes: ethernet header at 6: expected at least 14 bytes, got 6",
    "     4     0.000003000  52:54:00:a0:e0:01 > 6e:8b:6d:c0:c6:47 EtherType 0x0800, 16 bytes",
    "     5     0.000004000  52:54:00:a0:e0:01 > 6e:8b:6d:c0:c6:47 e7.3 tag 0x80000001: read ext lba 8 sectors 2",
    "",
  ]);
  expect(err).toBe(
    "5 frames, 1 request, 1 of them unanswered, 3 malformed, 1 of other EtherTypes (--all shows them)\n",
  );
});

test("an error answer may end behind the AoE header: its tag and its error are shown", async () => {
  const file = captureOf([
    `${ASK} 10 00 0007 03 02 80000009 00 01 00 01 0001525400a0e001`,
    `${TELL} 1c 02 0007 03 02 80000009`,
    `${ASK} 10 00 0007 03 03 8000000a 01 00`,
    `${TELL} 1c 06 0007 03 03 8000000a`,
    `${ASK} 10 00 0007 03 01 8000000b 0000 0000 00 03 0000`,
    `${TELL} 1c 04 0007 03 01 8000000b`,
    READ,
    `${TELL} 1c 03 0007 03 00 80000001`,
  ]);
  const { out, err } = await decode(["-", "--match", "answer"], file);
  expect(out.split("\n").map((line) => line.split(" e7.3 ")[1] ?? "")).toEqual([
    "tag 0x80000009: mask edit error 2 (bad argument) [to 1 in 1 µs]",
    "tag 0x8000000a: reserve set error 6 (target is reserved) [to 3 in 1 µs]",
    "tag 0x8000000b: config set error 4 (config string present) [to 5 in 1 µs]",
    "tag 0x80000001: read ext error 3 (device unavailable) [to 7 in 1 µs]",
    "",
  ]);
  expect(err).toBe("8 frames, 4 requests, 0 of them unanswered\n");
});

test("no text or JSON of a frame steers a terminal", async () => {
  const hostile = Buffer.from("\u001b[2J\u009b2J\u202e\u2028", "utf8");
  const length = hostile.length.toString(16).padStart(4, "0");
  const file = captureOf([
    `${TELL} 18 00 0007 03 01 80000002 0010 4019 02 10 ${length} ${hostile.toString("hex")}`,
  ]);
  for (const words of [["--json"], ["--ndjson"], ["-v"]]) {
    const { out, code } = await decode(["-", ...words], file);
    expect([code, out]).toEqual([0, printableLines(out)]);
  }
  const { out } = await decode(["-", "--json"], file);
  expect(JSON.parse(out).frames[0].body.string).toBe(hostile.toString("utf8"));
});

test("retransmits, answers that are short, answers to nothing", async () => {
  const answer = (tag: string, data: number) =>
    `${TELL} 18 00 0007 03 00 ${tag} 40 00 02 40 080000000000 0000 ${"ab".repeat(data)}`;
  const file = captureOf([READ, READ, answer("80000001", 512), answer("80000009", 24)]);
  const { out } = await decode(["-"], file);
  const notes = out
    .trimEnd()
    .split("\n")
    .map((line) => / \[.*\]$/.exec(line)?.[0] ?? "");
  expect(notes).toEqual([
    "",
    " [copy 2]",
    " [to 1 in 1 µs of copy 2, only 512 of 1024 data bytes]",
    " [to no request seen]",
  ]);
});

test("frames cut by the snaplen are not called malformed", async () => {
  const write = `${ASK} 10 00 0007 03 00 c0000001 41 00 01 34 090000000000 0000 ${"cd".repeat(512)}`;
  const list = `${TELL} 18 00 0007 03 03 80000003 00 0a ${"525400a0e001".repeat(10)}`;
  const { out, err } = await decode(["-"], captureOf([write, list], 60));
  const [first, second] = out.split("\n");
  expect(first).toEndWith(": write ext lba 9 sectors 1 [captured 60 of 548 bytes]");
  expect(second).toContain("cut by the capture at 60 of 86 bytes: reserve MAC count at 25");
  expect(err).toContain("1 cut by the capture within their headers");
});

describe("bad input: one sentence, the right code, no stack", () => {
  async function refused(words: readonly string[], stdin?: Uint8Array): Promise<[number, string]> {
    const { out, err, code } = await decode(words, stdin);
    expect(out).toBe("");
    expect(err).not.toContain(" at ./");
    expect(err.trimEnd().split("\n").length).toBe(1);
    return [code, err.trimEnd()];
  }

  test("absent, a directory", async () => {
    expect(await refused([join(folder, "absent.pcap")])).toEqual([
      5,
      `Can't read ${join(folder, "absent.pcap")}: no such file or directory`,
    ]);
    expect(await refused([folder])).toEqual([5, `Can't read ${folder}: it is a directory`]);
  });

  test("no capture, an empty file, a packer that is not known", async () => {
    expect(await refused(["package.json"])).toEqual([
      2,
      "Expected package.json to be a capture: pcap magic at 0: expected a1b2c3d4 or a1b23c4d in either byte order, got 7b0a2020",
    ]);
    await Bun.write(join(folder, "empty.pcap"), "");
    expect((await refused([join(folder, "empty.pcap")]))[0]).toBe(2);
    expect(await refused(["-"], Uint8Array.fromHex("28b52ffd0000"))).toEqual([
      2,
      "Expected standard input to be a capture, got one packed by zstd: unpack it first",
    ]);
  });

  test("a kind that is none, options that contradict, an option that is none, no file", async () => {
    const [code, sentence] = await refused([LINUX, "--match", "read,bogus"]);
    expect([code, sentence.startsWith("Expected `--match` to be one or more of read, ")]).toEqual([
      2,
      true,
    ]);
    expect(sentence).toEndWith("got `bogus`");
    expect((await refused([LINUX, "--json", "--ndjson"]))[0]).toBe(2);
    expect((await refused([LINUX, "--json", "--verbose"]))[0]).toBe(2);
    expect((await refused([LINUX, "--bogus"]))[0]).toBe(2);
    expect((await refused([]))[0]).toBe(2);
    expect(await refused([LINUX, "--interface", "lo"])).toEqual([
      2,
      "Expected a capture file or `--interface`, got both",
    ]);
    expect((await refused(["--interface", "no-such-0"]))[0]).toBe(5);
  });
});

test("a damaged capture: what stands before the damage, then the damage, and 1", async () => {
  const whole = captureOf([READ, READ]);
  const damaged = whole.slice(0, whole.length - 1);
  const { out, err, code } = await decode(["-"], damaged);
  expect(code).toBe(1);
  expect(out.split("\n").length).toBe(2);
  expect(err).toEndWith(
    "The capture standard input is damaged: pcap captured length at 84: expected at most the 35 bytes left in the file, got 36\n",
  );
  const json = await decode(["-", "--json"], damaged);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out).summary.damage).toContain("captured length at 84");
});

test("a reader that has seen enough ends it quietly", async () => {
  const many = captureOf(Array<string>(500).fill(READ));
  await Bun.write(join(folder, "many.pcap"), many);
  const line = `${process.execPath} aoe.ts decode -v ${join(folder, "many.pcap")} | head -n 1`;
  const child = Bun.spawn(["sh", "-c", line], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(out.trimEnd().split("\n").length).toBe(1);
  expect(err).not.toContain("EPIPE");
});
