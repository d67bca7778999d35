// A capture is decoded as it comes: before its input ends, in bounded memory, the same in whatever pieces.

import { expect, test } from "bun:test";
import { ByteWindow } from "../wire/byte_window.ts";
import { MORE, type Packet } from "../wire/capture.ts";
import { isMalformed, type Malformed } from "../wire/malformed.ts";
import { createWriter } from "../wire/pcap.ts";
import { open } from "../wire/read_capture.ts";

const AOE = new URL("../aoe.ts", import.meta.url).pathname;

const READ = Uint8Array.fromHex(
  "6e8b6dc0c647525400a0e00188a210000007030080000001400002240800000000000000",
);
const DATA = Uint8Array.fromHex(
  `525400a0e0016e8b6dc0c64788a2180000070300800000014000024008000000000000${"00".repeat(8193)}`,
);

/** A capture of so many pairs of a request and a long answer. */
function captureOf(pairs: number): Uint8Array<ArrayBuffer> {
  const memory = new DataView(new ArrayBuffer(24 + pairs * (32 + READ.length + DATA.length)));
  const writer = createWriter(memory, 1_700_000_000);
  for (let pair = 0; pair < pairs; pair++) {
    writer.append(new DataView(READ.buffer), 0, READ.length, pair * 2000);
    writer.append(new DataView(DATA.buffer), 0, DATA.length, pair * 2000 + 1000);
  }
  return new Uint8Array(memory.buffer, 0, writer.length());
}

function decoder(...words: string[]) {
  return Bun.spawn([process.execPath, AOE, "decode", "-", ...words], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
}

test.each([["pcap"], ["gzip"]])(
  "%s on standard input: a frame is printed when it is there, not when the input ends",
  async (kind) => {
    const child = decoder();
    const reader = child.stdout.getReader();
    const whole = captureOf(2);
    const head = whole.subarray(0, 24 + 16 + READ.length);
    child.stdin.write(kind === "pcap" ? head : Bun.gzipSync(head));
    child.stdin.flush();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toContain("e7.3 tag 0x80000001: read ext lba 8");
    child.stdin.end();
    expect(await child.exited).toBe(0);
  },
  60_000,
);

test("what is piped in does not gather in memory", async () => {
  const piece = captureOf(1000);
  const most = async (pieces: number): Promise<number> => {
    const child = decoder("--match", "error");
    child.stdin.write(piece);
    for (let at = 1; at < pieces; at++) {
      child.stdin.write(piece.subarray(24));
      await child.stdin.flush();
    }
    child.stdin.end();
    const err = await child.stderr.text();
    expect([await child.exited, err.split(" ")[0]]).toEqual([0, `${2000 * pieces}`]);
    return child.resourceUsage()?.maxRSS ?? 0;
  };
  // 8 MiB and 128 MiB: a decoder that keeps its input needs 120 MiB more.
  const [small, large] = [await most(1), await most(16)];
  expect((large - small) / 2 ** 20).toBeLessThan(80);
}, 60_000);

type Shown = Malformed | readonly [number, number, number, number, string];

function shown(packet: Packet): Shown {
  const { seconds, nanoseconds, view, offset, captured, length, linktype } = packet;
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, captured);
  return [seconds * 1e3 + nanoseconds, length, linktype, packet.interface, bytes.toHex()];
}

/** All packets and the damage, where the file comes in pieces of these lengths in turn. */
function readIn(file: Uint8Array, lengths: readonly number[]): Shown[] {
  const window = new ByteWindow(new DataView(new ArrayBuffer(64)));
  const found: Shown[] = [];
  let capture: ReturnType<typeof open> = MORE;
  const drain = (): void => {
    if (capture === MORE) capture = open(window);
    if (capture === MORE) return;
    if (isMalformed(capture)) {
      found.push(capture);
      return;
    }
    for (;;) {
      const next = capture.next();
      if (next === MORE || next === null) return;
      found.push(isMalformed(next) ? next : shown(next));
    }
  };
  for (let at = 0, turn = 0; at < file.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1;
    window.push(file.subarray(at, at + length));
    at += length;
    if (capture === MORE || !isMalformed(capture)) drain();
  }
  window.ended = true;
  if (capture === MORE || !isMalformed(capture)) drain();
  return found;
}

test.each(["linux-6.1-aoe-against-vblade.pcap", "ipxe-against-vblade.pcap"])(
  "%s reads the same in whatever pieces, whole, cut and as pcapng",
  async (name) => {
    const file = await Bun.file(new URL(`../fixtures/${name}`, import.meta.url)).bytes();
    const editcap = Bun.which("editcap");
    const files = [file, file.subarray(0, file.length - 7)];
    if (editcap !== null) {
      const run = Bun.spawnSync([editcap, "-F", "pcapng", "-", "-"], { stdin: file });
      const converted = new Uint8Array(run.stdout);
      files.push(converted, converted.subarray(0, converted.length - 50));
    }
    for (const one of files) {
      const whole = readIn(one, [one.length]);
      expect(whole.length).toBeGreaterThan(100);
      for (const lengths of [[1], [3, 5, 4099], [23, 24, 25], [70_000]]) {
        expect(readIn(one, lengths)).toEqual(whole);
      }
    }
  },
);
