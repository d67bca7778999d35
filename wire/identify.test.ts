// IDENTIFY (P27): word by word, there and back, and as hdparm reads it where it is installed.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as identify from "./identify.ts";
import { isMalformed } from "./malformed.ts";

const disk: identify.Identify = {
  serial: "0123456789abcdef",
  firmware: "0.1.0",
  model: "AoE export e7.3",
  sectors: 0x0001_2345_6789,
  writeCache: true,
  smart: true,
  physicalSectorBytes: 4096,
  rpm: 7200,
  instance: 0x0102_0304_0506,
};
const small: identify.Identify = {
  ...disk,
  sectors: 131_072,
  writeCache: false,
  smart: false,
  physicalSectorBytes: 512,
  rpm: 0,
};

const OFFSET = 37;

/** The sector of `record` in memory full of 0xA5, at an odd offset. */
function sector(record: identify.Identify): DataView {
  const view = new DataView(new Uint8Array(OFFSET + 512 + 16).fill(0xa5).buffer);
  identify.emit(record, view, OFFSET);
  return view;
}
const word = (view: DataView, index: number) => view.getUint16(OFFSET + 2 * index, true);

test("P27: each word as the rule says", () => {
  const view = sector(disk);
  const wanted: Record<number, number> = {
    0: 0x0040,
    47: 0x8000,
    49: 0x0200,
    50: 0x4000,
    53: 7,
    54: 16_383,
    55: 16,
    56: 63,
    57: 0xfc10,
    58: 0x00fb,
    60: 0xffff,
    61: 0x0fff,
    80: 0x01f0,
    82: 0x0021,
    83: 0x7400,
    84: 0x4000,
    85: 0x0021,
    86: 0x3400,
    87: 0x4000,
    93: 0x400b,
    100: 0x6789,
    101: 0x2345,
    102: 0x0001,
    103: 0,
    106: 0x6003,
    117: 0,
    118: 0,
    129: 0x0506,
    130: 0x0304,
    131: 0x0102,
    217: 7200,
  };
  for (const [index, value] of Object.entries(wanted)) {
    expect([index, word(view, Number(index))]).toEqual([index, value]);
  }
  expect(view.getUint8(OFFSET + 510)).toBe(0xa5);
  expect(identify.checksum(view, OFFSET)).toBe("valid");
  // "01" stands as 1, 0 in memory: the first character is the word's high byte.
  expect(word(view, 10)).toBe(0x3031);
  expect(word(view, 23)).toBe(0x302e);
  expect(word(view, 46)).toBe(0x2020);
  const plain = sector(small);
  expect([82, 85, 106, 217, 60, 61, 54].map((index) => word(plain, index))).toEqual([
    0, 0, 0x4000, 1, 0, 2, 130,
  ]);
});

// A track has 63 sectors, a cylinder 16 tracks, a disk at most 16,383 cylinders that this way can name.
const CYLINDER = 16 * 63;
const MOST_CHS = 16_383 * CYLINDER;

test.each([
  [1, 0, 0],
  [CYLINDER - 1, 0, 0],
  [CYLINDER, 1, CYLINDER],
  [CYLINDER + 1, 1, CYLINDER],
  [131_072, 130, 131_040],
  [66 * CYLINDER, 66, 66_528],
  [MOST_CHS - 1, 16_382, MOST_CHS - CYLINDER],
  [MOST_CHS, 16_383, MOST_CHS],
  [MOST_CHS + CYLINDER, 16_383, MOST_CHS],
  [0x0fff_fffe, 16_383, MOST_CHS],
  [0x0fff_ffff, 16_383, MOST_CHS],
  [0x1000_0000, 16_383, MOST_CHS],
  [2 ** 32, 16_383, MOST_CHS],
  [2 ** 48 - 1, 16_383, MOST_CHS],
])("P27: %d sectors by cylinders, by LBA28 and by LBA48", (sectors, cylinders, capacity) => {
  const view = sector({ ...disk, sectors });
  const two = (index: number) => word(view, index) + 0x1_0000 * word(view, index + 1);
  expect([1, 3, 6].map((index) => word(view, index))).toEqual([cylinders, 16, 63]);
  expect([54, 55, 56].map((index) => word(view, index))).toEqual([cylinders, 16, 63]);
  expect(two(57)).toBe(capacity);
  expect(two(60)).toBe(Math.min(sectors, 0x0fff_ffff));
  expect(two(100) + 2 ** 32 * two(102)).toBe(sectors);
});

test("writes its 512 bytes and none beside", () => {
  const view = sector(disk);
  for (let at = 0; at < OFFSET; at++) expect(view.getUint8(at)).toBe(0xa5);
  for (let at = OFFSET + 512; at < view.byteLength; at++) expect(view.getUint8(at)).toBe(0xa5);
  const clean = new DataView(new ArrayBuffer(512));
  identify.emit(disk, clean, 0);
  expect(new Uint8Array(view.buffer, OFFSET, 512).toHex()).toBe(
    new Uint8Array(clean.buffer).toHex(),
  );
});

test("any record comes back as it was", () => {
  const printable = (maxLength: number) =>
    fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength,
    });
  const records = fc.record({
    serial: printable(identify.SERIAL_LENGTH),
    firmware: printable(identify.FIRMWARE_LENGTH),
    model: printable(identify.MODEL_LENGTH),
    sectors: fc.nat({ max: 2 ** 48 - 1 }),
    writeCache: fc.boolean(),
    smart: fc.boolean(),
    physicalSectorBytes: fc.integer({ min: 0, max: 15 }).map((power) => 512 * 2 ** power),
    rpm: fc.oneof(fc.constantFrom(null, 0, 1025, 65_534), fc.integer({ min: 1025, max: 65_534 })),
    instance: fc.nat({ max: 2 ** 48 - 1 }),
  });
  fc.assert(
    fc.property(records, (record) => {
      const view = sector(record);
      expect(identify.parse(view, OFFSET)).toEqual(record);
      expect(identify.checksum(view, OFFSET)).toBe("valid");
    }),
  );
});

test("the write cache is what word 85 says, where it is valid, and else what is supported", () => {
  const view = sector({ ...disk, writeCache: true });
  const word = (index: number, value: number) => view.setUint16(OFFSET + 2 * index, value, true);
  const isOn = (): unknown => {
    const parsed = identify.parse(view, OFFSET);
    return "writeCache" in parsed ? parsed.writeCache : null;
  };
  expect(isOn()).toBe(true);
  word(85, 0);
  expect(isOn()).toBe(false);
  word(87, 0);
  expect(isOn()).toBe(true);
  word(82, 0);
  expect(isOn()).toBe(false);
});

test("a rotation rate that ATA gives no meaning is none", () => {
  const view = sector({ ...disk, rpm: 7200 });
  for (const rate of [0x0002, 0x0400, 0xffff]) {
    view.setUint16(OFFSET + 2 * 217, rate, true);
    expect([rate, identify.parse(view, OFFSET)]).toMatchObject([rate, { rpm: null }]);
  }
});

test("text too long is cut, text that is no ASCII becomes ?", () => {
  const view = sector({ ...disk, serial: "x".repeat(30), firmware: "vé\n", model: "" });
  const parsed = identify.parse(view, OFFSET);
  expect(parsed).toMatchObject({ serial: "x".repeat(20), firmware: "v??", model: "" });
});

test("any flipped bit is seen by the checksum", () => {
  const view = sector(disk);
  for (const at of [0, 20, 121, 200, 511]) {
    view.setUint8(OFFSET + at, view.getUint8(OFFSET + at) ^ 4);
    expect(identify.checksum(view, OFFSET)).toBe("wrong");
    view.setUint8(OFFSET + at, view.getUint8(OFFSET + at) ^ 4);
  }
  view.setUint8(OFFSET + 510, 0);
  expect(identify.checksum(view, OFFSET)).toBe("absent");
});

test("a sector cut short is malformed, and one without LBA48 has the size of words 60-61", () => {
  const view = sector(small);
  expect(isMalformed(identify.parse(view, OFFSET, 511))).toBe(true);
  view.setUint16(OFFSET + 2 * 83, 0x4000, true);
  view.setUint16(OFFSET + 2 * 86, 0, true);
  view.setUint16(OFFSET + 2 * 60, 1234, true);
  expect(identify.parse(view, OFFSET)).toMatchObject({ sectors: 2 * 65_536 + 1234 });
});

/** Words 83, 86 and the sizes by LBA28 and LBA48 of foreign targets; the size that drivers make of them. */
const CAPACITIES = [
  ["qaoed: bit 10 without bit 14", 0x0400, 0x0400, 0x0fff_ffff, 419_430_400, 419_430_400],
  ["bit 10 without bit 14 in word 83 alone", 0x0400, 0x0000, 0x0fff_ffff, 419_430_400, 419_430_400],
  ["bit 10 in word 86 alone", 0x0000, 0x0400, 0x0fff_ffff, 419_430_400, 419_430_400],
  ["bit 14 and no bit 10", 0x4000, 0x0000, 1234, 419_430_400, 1234],
  ["words of ones, which say nothing", 0xffff, 0xffff, 1234, 419_430_400, 1234],
  ["bit 10 and no size by LBA48", 0x4400, 0x0400, 1234, 0, 1234],
] as const;

test.each(CAPACITIES)("LBA48 as drivers judge it: %s", (_name, w83, w86, lba28, lba48, sectors) => {
  const view = sector(small);
  const put = (index: number, value: number): void =>
    view.setUint16(OFFSET + 2 * index, value, true);
  put(83, w83);
  put(86, w86);
  for (const half of [0, 1]) {
    put(60 + half, Math.floor(lba28 / 0x1_0000 ** half) % 0x1_0000);
    put(100 + half, Math.floor(lba48 / 0x1_0000 ** half) % 0x1_0000);
  }
  expect(identify.parse(view, OFFSET)).toMatchObject({ sectors });
});

test("describe names each word of the table once, in order", () => {
  const described = identify.describe(sector(disk), OFFSET);
  const words = described.map(({ word }) => word);
  expect(words).toEqual([...new Set(words)].sort((a, b) => a - b));
  expect(described.find(({ name }) => name === "model")?.value).toBe("AoE export e7.3");
  expect(described.find(({ name }) => name === "sectors by LBA48")?.value).toBe(disk.sectors);
});

const hdparm = Bun.which("hdparm", { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` });

describe.skipIf(hdparm === null)(
  hdparm === null ? "hdparm --Istdin (skipped: hdparm is not installed)" : "hdparm --Istdin",
  () => {
    async function print(record: identify.Identify): Promise<string> {
      const stdin = new Blob([identify.toHdparm(sector(record), OFFSET)]);
      const { stdout } = Bun.spawn([hdparm ?? "", "--Istdin"], {
        stdin,
        stdout: "pipe",
        stderr: "pipe",
      });
      return (await stdout.text()).replace(/[ \t]+/g, " ");
    }

    test("prints a cached 4K disk as meant", async () => {
      const text = await print(disk);
      for (const line of [
        "ATA device, with non-removable media",
        "Model Number: AoE export e7.3",
        "Serial Number: 0123456789abcdef",
        "Firmware Revision: 0.1.0",
        "Supported: 8 7 6 5",
        "cylinders 16383 16383",
        "heads 16 16",
        "sectors/track 63 63",
        "CHS current addressable sectors: 16514064",
        "LBA user addressable sectors: 268435455",
        `LBA48 user addressable sectors: ${disk.sectors}`,
        "Logical Sector size: 512 bytes",
        "Physical Sector size: 4096 bytes",
        "Nominal Media Rotation Rate: 7200",
        " * SMART feature set",
        " * Write cache",
        " * 48-bit Address feature set",
        " * Mandatory FLUSH_CACHE",
        " * FLUSH_CACHE_EXT",
        "Checksum: correct",
      ]) {
        expect(text).toContain(line);
      }
    });

    test("prints a synchronous 512-byte export as meant", async () => {
      const text = await print(small);
      expect(text).toContain("Physical Sector size: 512 bytes");
      expect(text).toContain("Nominal Media Rotation Rate: Solid State Device");
      expect(text).toContain("LBA48 user addressable sectors: 131072");
      expect(text).toContain("Checksum: correct");
      expect(text).not.toContain("Write cache");
      expect(text).not.toContain("SMART");
    });
  },
);
