// The two captures of foreign initiators: every frame re-emits byte for byte, the file too, and tshark,
// where it is installed, reads from every frame and every row what we read.

import { describe, expect, test } from "bun:test";
import { rows as ataRows } from "../fixtures/frames/ata.ts";
import { rows as configRows } from "../fixtures/frames/config.ts";
import { rows as listRows } from "../fixtures/frames/lists.ts";
import { rows as otherRows } from "../fixtures/frames/other.ts";
import { bytes as fromHex } from "../fixtures/frames/row.ts";
import * as aoe from "./aoe.ts";
import * as ata from "./ata.ts";
import type * as capture from "./capture.ts";
import { read } from "./read_capture.ts";
import { createExchanges } from "./exchange.ts";
import * as frame from "./frame.ts";
import { formatMac } from "./mac.ts";
import { isMalformed } from "./malformed.ts";
import * as pcap from "./pcap.ts";

const FILES = ["ipxe-against-vblade.pcap", "linux-6.1-aoe-against-vblade.pcap"] as const;
const FRAMES = {
  "ipxe-against-vblade.pcap": 120,
  "linux-6.1-aoe-against-vblade.pcap": 240,
} as const;

interface Seen {
  readonly packet: capture.Packet;
  readonly bytes: Uint8Array;
  readonly frame: frame.Frame;
}

async function load(name: string): Promise<{ view: DataView; bytes: Uint8Array }> {
  const bytes = await Bun.file(new URL(`../fixtures/${name}`, import.meta.url)).bytes();
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

async function frames(name: string): Promise<Seen[]> {
  const { view, bytes } = await load(name);
  const file = read(view);
  if (isMalformed(file)) throw new Error(JSON.stringify(file));
  const seen: Seen[] = [];
  for (let packet = file.next(); packet !== null; packet = file.next()) {
    if (isMalformed(packet)) throw new Error(JSON.stringify(packet));
    const parsed = frame.parse(view, packet.offset, packet.captured, packet.length);
    if (isMalformed(parsed)) throw new Error(JSON.stringify(parsed));
    const end = packet.offset + packet.captured;
    seen.push({ packet, frame: parsed, bytes: bytes.slice(packet.offset, end) });
  }
  return seen;
}

describe.each(FILES)("%s", (name) => {
  test("every frame re-emits byte for byte", async () => {
    const seen = await frames(name);
    expect(seen.length).toBe(FRAMES[name]);
    for (const { frame: parsed, bytes } of seen) {
      const memory = new Uint8Array(bytes.length).fill(0xa5);
      frame.emit(parsed, new DataView(memory.buffer), 0);
      expect(memory.toHex()).toBe(bytes.toHex());
    }
  });

  test("the file re-emits but for its clock, which becomes ns", async () => {
    const { view, bytes } = await load(name);
    const memory = new Uint8Array(bytes.length);
    const snaplen = view.getUint32(16, true);
    const seen = await frames(name);
    const epoch = seen[0]?.packet.seconds ?? 0;
    const writer = pcap.createWriter(new DataView(memory.buffer), epoch, snaplen);
    const written: number[] = [];
    for (const { packet } of seen) {
      const at = (packet.seconds - epoch) * 1e9 + packet.nanoseconds;
      written.push(writer.length());
      expect(writer.append(view, packet.offset, packet.length, at)).toBe(true);
    }
    expect(writer.length()).toBe(bytes.length);
    const wanted = bytes.slice();
    wanted.set(Uint8Array.fromHex("4d3cb2a1"));
    const wantedView = new DataView(wanted.buffer);
    for (const at of written)
      wantedView.setUint32(at + 4, wantedView.getUint32(at + 4, true) * 1000, true);
    expect(memory.toHex()).toBe(wanted.toHex());
  });

  test("every answer finds its request; data fill what the request asked for (P18)", async () => {
    const exchanges = createExchanges();
    let zeroCounts = 0;
    for (const [index, { frame: parsed }] of (await frames(name)).entries()) {
      const { request } = exchanges.see(parsed, index + 1, index);
      if (!frame.isResponse(parsed)) continue;
      // vblade's announcement answers nobody.
      if (parsed.aoe.version === 0) {
        expect(request).toBeNull();
        continue;
      }
      expect(request).not.toBeNull();
      if (parsed.body.kind !== "ata" || request === null) continue;
      const data = frame.dataLength(parsed, request.frame);
      if (data !== 0) expect(data).toBe(parsed.rest.length);
      if (data !== 0 && parsed.body.count === 0) zeroCounts++;
    }
    // Both have them: an answer's own count would have said "no data".
    expect(zeroCounts).toBeGreaterThan(10);
  });
});

const tshark = Bun.which("tshark", { PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/bin` });

const COLUMNS = [
  "eth.dst",
  "eth.src",
  "aoe.version",
  "aoe.response",
  "aoe.flags_error",
  "aoe.error",
  "aoe.major",
  "aoe.minor",
  "aoe.cmd",
  "aoe.tag",
  "aoe.aflags.e",
  "aoe.aflags.d",
  "aoe.aflags.a",
  "aoe.aflags.w",
  "aoe.err_feature",
  "aoe.sector_count",
  "aoe.ata.cmd",
  "aoe.ata.status",
  "aoe.lba",
] as const;

async function dissect(file: Uint8Array): Promise<string[][]> {
  const fields = COLUMNS.flatMap((column) => ["-e", column]);
  const command = [tshark ?? "", "-r", "-", "-T", "fields", "-E", "separator=/t", ...fields];
  const { stdout } = Bun.spawn(command, { stdin: file, stdout: "pipe", stderr: "ignore" });
  const lines = (await stdout.text()).split("\n").slice(0, -1);
  return lines.map((line) => line.split("\t"));
}

const hex = (value: number, digits: number) => `0x${value.toString(16).padStart(digits, "0")}`;
const bit = (value: number, mask: number) => ((value & mask) === 0 ? "0" : "1");

/**
 * What tshark 4.0 prints for a frame, from our record. It prints less than the frame says in five
 * places, and no value of it differs: of another version than 1 (vblade's announcement) nothing more;
 * `aoe.error` only with the error flag; the D flag only with E and the A flag only with W; the opcode of
 * an answer only where it found the request; bodies of config, mask and reserve frames never.
 */
function asTshark(parsed: frame.Frame, request: frame.Frame | null): string[] {
  const { ethernet, aoe: header, body } = parsed;
  const blank = (columns: string[]) => [
    ...columns,
    ...Array<string>(COLUMNS.length - columns.length).fill(""),
  ];
  const outer = [formatMac(ethernet.destination), formatMac(ethernet.source), `${header.version}`];
  if (header.version !== aoe.VERSION) return blank(outer);
  const columns = [
    ...outer,
    bit(header.flags, aoe.FLAG_RESPONSE),
    bit(header.flags, aoe.FLAG_ERROR),
    frame.isError(parsed) ? `${header.error}` : "",
    hex(header.major, 4),
    hex(header.minor, 2),
    `${header.command}`,
    hex(header.tag, 8),
  ];
  if (body.kind !== "ata") return blank(columns);
  const answer = frame.isResponse(parsed);
  const asked = answer ? request?.body : body;
  const { flags } = body;
  return [
    ...columns,
    bit(flags, ata.FLAG_EXTENDED),
    (flags & ata.FLAG_EXTENDED) === 0 ? "" : bit(flags, ata.FLAG_DEVICE),
    (flags & ata.FLAG_WRITE) === 0 ? "" : bit(flags, ata.FLAG_ASYNC),
    bit(flags, ata.FLAG_WRITE),
    hex(body.feature, 2),
    `${body.count}`,
    asked?.kind === "ata" ? hex(asked.command, 2) : "",
    answer ? hex(body.command, 2) : "",
    hex(body.lba, 16),
  ];
}

describe.skipIf(tshark === null)(
  tshark === null ? "tshark agrees (skipped: tshark is not installed)" : "tshark agrees",
  () => {
    test.each(FILES)("over %s", async (name) => {
      const seen = await frames(name);
      const exchanges = createExchanges();
      const ours = seen.map(({ frame: parsed }, index) =>
        asTshark(parsed, exchanges.see(parsed, index + 1, index).request?.frame ?? null),
      );
      expect(ours).toEqual(await dissect((await load(name)).bytes));
    });

    test("over our rows", async () => {
      const all = [...ataRows, ...configRows, ...listRows, ...otherRows].filter(
        ({ record }) => !isMalformed(record),
      );
      const memory = new DataView(new ArrayBuffer(65_536));
      const writer = pcap.createWriter(memory, 1_700_000_000);
      const exchanges = createExchanges();
      const ours: string[][] = [];
      for (const [index, { hex, record }] of all.entries()) {
        const bytes = fromHex(hex);
        expect(writer.append(new DataView(bytes.buffer), 0, bytes.length, index * 1000)).toBe(true);
        if (isMalformed(record)) continue;
        const { request } = exchanges.see(record, index + 1, index * 1000);
        ours.push(asTshark(record, request?.frame ?? null));
      }
      const theirs = await dissect(new Uint8Array(memory.buffer, 0, writer.length()));
      expect(ours.length).toBeGreaterThan(30);
      expect(ours).toEqual(theirs);
    });
  },
);
