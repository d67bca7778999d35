// For any bytes: no parser throws, none reads beyond the length it was given, and what parses emits as
// it was. For any record: what is emitted parses to the same record. fast-check prints the seed of a failure.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { read } from "./read_capture.ts";
import { fields } from "./fields.ts";
import * as frame from "./frame.ts";
import * as identify from "./identify.ts";
import { isMalformed } from "./malformed.ts";
import { formatFrame } from "./pretty.ts";

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const u48 = fc.nat({ max: 2 ** 48 - 1 });
const text = fc.uint8Array({ maxLength: 1024, size: "large" });
const rest = fc.uint8Array({ maxLength: 80 });

/** Random bytes that mostly reach the inner parsers: EtherType and a command that exists. */
const likely = fc
  .tuple(
    fc.uint8Array({ maxLength: 1600, size: "max" }),
    fc.constantFrom(0, 1, 2, 3, 3, 2, 1, 0, 4, 0xf0),
    fc.boolean(),
  )
  .map(([bytes, command, small]) => {
    if (bytes.length > 13) bytes.set([0x88, 0xa2], 12);
    if (bytes.length > 19) bytes[19] = command;
    // Lengths that random bytes hardly ever hit: a short config string, few addresses.
    if (small && bytes.length > 30)
      bytes.set([bytes[24] ?? 0, (bytes[25] ?? 0) & 0xf, 0, (bytes[27] ?? 0) & 0xf], 24);
    if (small && bytes.length > 31) bytes[30] = 0;
    return bytes;
  });

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

test("random frames parse or are malformed, never throw, and emit as they were", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.oneof({ weight: 9, arbitrary: likely }, { weight: 1, arbitrary: fc.uint8Array() }),
      (bytes) => {
        const parsed = frame.parse(viewOf(bytes), 0, bytes.length);
        const kind = isMalformed(parsed) ? "malformed" : parsed.body.kind;
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
        if (isMalformed(parsed)) {
          expect(parsed.offset).toBeLessThanOrEqual(bytes.length);
          return;
        }
        expect(frame.toBytes(parsed).toHex()).toBe(bytes.toHex());
        // One line, printable: a capture must not be able to steer the reader's terminal.
        expect(formatFrame(parsed)).toMatch(/^[ -~]+$/);
        const described = fields(parsed);
        let next = 0;
        for (const { offset, size } of described) {
          expect(offset).toBeLessThanOrEqual(next);
          next = Math.max(next, offset + size);
        }
        expect(next).toBe(bytes.length);
      },
    ),
    { numRuns: 2000 },
  );
  // The generator is worth something only if it reaches every parser.
  for (const kind of ["ata", "config", "mask", "reserve", "unknown", "vendor", "malformed"]) {
    expect({ kind, reached: (seen.get(kind) ?? 0) > 20 }).toEqual({ kind, reached: true });
  }
});

const ataBody = fc
  .record({ flags: u8, feature: u8, count: u8, command: u8, lba: u48, reserved: u16 })
  .map((fields) => ({ kind: "ata" as const, ...fields }));
const configBody = fc
  .record({
    bufferCount: u16,
    firmware: u16,
    sectorCount: u8,
    version: fc.nat(15),
    command: fc.nat(15),
    string: text,
  })
  .map((fields) => ({ kind: "config" as const, ...fields, stringLength: fields.string.length }));
const maskBody = fc
  .record({
    reserved: u8,
    command: u8,
    error: u8,
    directives: fc.array(fc.record({ reserved: u8, command: u8, mac: u48 }), {
      maxLength: 255,
      size: "large",
    }),
  })
  .map((fields) => ({ kind: "mask" as const, ...fields, count: fields.directives.length }));
const reserveBody = fc
  .record({ command: u8, macs: fc.array(u48, { maxLength: 255, size: "large" }) })
  .map((fields) => ({ kind: "reserve" as const, ...fields }));

const COMMANDS = { ata: 0, config: 1, mask: 2, reserve: 3 } as const;

/** Answers, so that the config string counts and no write lacks its data. */
const anyAnswer = fc
  .tuple(
    fc.oneof(ataBody, configBody, maskBody, reserveBody),
    fc.record({
      version: fc.nat(15),
      flags: fc.nat(7),
      error: u8,
      major: u16,
      minor: u8,
      tag: u32,
    }),
    fc.record({ destination: u48, source: u48 }),
    rest,
  )
  .map(([body, header, outer, rest]): frame.Frame => ({
    ethernet: { ...outer, type: 0x88a2 },
    aoe: { ...header, flags: header.flags | 8, command: COMMANDS[body.kind] },
    body,
    rest,
  }));

test("random records come back as they were", () => {
  fc.assert(
    fc.property(anyAnswer, (record) => {
      const bytes = frame.toBytes(record);
      expect(bytes.length).toBe(frame.length(record));
      expect(frame.parse(viewOf(bytes), 0, bytes.length)).toEqual(record);
    }),
    { numRuns: 500 },
  );
});

test("random bytes as a capture: packets within the file, one damage at most, then the end", () => {
  const magics = fc.constantFrom(
    "d4c3b2a1",
    "a1b2c3d4",
    "4d3cb2a1",
    "a1b23c4d",
    "0a0d0d0a1c0000004d3c2b1a",
  );
  const words = fc.array(fc.oneof(fc.nat(64), u32), { maxLength: 60 });
  fc.assert(
    fc.property(fc.option(magics, { freq: 8 }), words, fc.nat(3), (magic, words, more) => {
      const body = new Uint8Array(new Uint32Array(words).buffer);
      const start = magic === null ? new Uint8Array(0) : Uint8Array.fromHex(magic);
      const bytes = new Uint8Array(start.length + body.length + more);
      bytes.set(start);
      bytes.set(body, start.length);
      if (bytes.length > 24 && magic?.length === 8) {
        const little = magic.startsWith("d4") || magic.startsWith("4d");
        viewOf(bytes).setUint16(4, 2, little);
        viewOf(bytes).setUint32(20, 1, little);
      }
      const file = read(viewOf(bytes));
      if (isMalformed(file)) return;
      let last: object | null = null;
      for (let count = 0; ; count++) {
        expect(count).toBeLessThanOrEqual(bytes.length);
        const packet = file.next();
        if (packet === null) break;
        expect(last !== null && isMalformed(last)).toBe(false);
        last = packet;
        if (isMalformed(packet)) expect(packet.offset).toBeLessThanOrEqual(bytes.length);
        else expect(packet.offset + packet.captured).toBeLessThanOrEqual(bytes.length);
      }
    }),
    { numRuns: 1000 },
  );
});

test("random bytes as an IDENTIFY sector", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 500, maxLength: 520 }), (bytes) => {
      const parsed = identify.parse(viewOf(bytes), 0, bytes.length);
      expect(isMalformed(parsed)).toBe(bytes.length < 512);
      if (!isMalformed(parsed)) expect(parsed.model).toMatch(/^[ -~]{0,40}$/);
    }),
  );
});
