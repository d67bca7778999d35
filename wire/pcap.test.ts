// Captures in all four classic forms and in pcapng, cut and damaged: the packets before the damage, then
// a value that names it; and the writer's bytes.

import { describe, expect, test } from "bun:test";
import * as capture from "./capture.ts";
import { read, type WholeCapture } from "./read_capture.ts";
import { formatMalformed, isMalformed, type Malformed } from "./malformed.ts";
import * as pcap from "./pcap.ts";

interface Written {
  readonly seconds: number;
  readonly fraction: number;
  readonly bytes: Uint8Array;
  readonly length: number;
}

const PACKETS: readonly Written[] = [
  { seconds: 1_700_000_000, fraction: 5, bytes: new Uint8Array(60).fill(1), length: 60 },
  { seconds: 1_700_000_001, fraction: 999_999, bytes: new Uint8Array(36).fill(2), length: 1060 },
  { seconds: 1_700_000_001, fraction: 999_999, bytes: new Uint8Array(0), length: 0 },
];

/** A file by another hand than the module's. */
function classic(
  packets: readonly Written[],
  magic: number,
  little: boolean,
): Uint8Array<ArrayBuffer> {
  const size = packets.reduce((sum, { bytes }) => sum + 16 + bytes.length, 24);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  view.setUint32(0, magic, little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, 65_535, little);
  view.setUint32(20, 1, little);
  let at = 24;
  for (const { seconds, fraction, bytes, length } of packets) {
    for (const value of [seconds, fraction, bytes.length, length]) {
      view.setUint32(at, value, little);
      at += 4;
    }
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function open(file: Uint8Array): WholeCapture {
  const found = read(new DataView(file.buffer, file.byteOffset, file.byteLength));
  if (isMalformed(found)) throw new Error(formatMalformed(found));
  return found;
}
function refuse(file: Uint8Array): string {
  const found = read(new DataView(file.buffer, file.byteOffset, file.byteLength));
  if (!isMalformed(found)) throw new Error("taken for a capture");
  return formatMalformed(found);
}
function drain(file: WholeCapture): { packets: capture.Packet[]; damage: Malformed | null } {
  const packets: capture.Packet[] = [];
  for (let found = file.next(); found !== null; found = file.next()) {
    if (!isMalformed(found)) packets.push(found);
    else {
      expect(file.next()).toBeNull();
      return { packets, damage: found };
    }
  }
  expect(file.next()).toBeNull();
  return { packets, damage: null };
}

describe("classic", () => {
  test.each([
    ["µs, little-endian", 0xa1b2c3d4, true, 1000],
    ["µs, big-endian", 0xa1b2c3d4, false, 1000],
    ["ns, little-endian", 0xa1b23c4d, true, 1],
    ["ns, big-endian", 0xa1b23c4d, false, 1],
  ] as const)("%s", (_, magic, little, grain) => {
    const { packets, damage } = drain(open(classic(PACKETS, magic, little)));
    expect(damage).toBeNull();
    expect(packets).toMatchObject([
      { seconds: 1_700_000_000, nanoseconds: 5 * grain, offset: 40, captured: 60, length: 60 },
      {
        seconds: 1_700_000_001,
        nanoseconds: 999_999 * grain,
        offset: 116,
        captured: 36,
        length: 1060,
      },
      { seconds: 1_700_000_001, nanoseconds: 999_999 * grain, offset: 168, captured: 0, length: 0 },
    ]);
    const [first, second] = packets;
    if (first === undefined || second === undefined) throw new Error("unreachable");
    expect(capture.since(first, second)).toBe(1e9 + 999_994 * grain);
    expect(capture.since(second, first)).toBe(-1e9 - 999_994 * grain);
    expect(capture.since(second, { ...first, seconds: second.seconds + 1 })).toBe(
      1e9 - 999_994 * grain,
    );
  });

  test("cut at every length: whole packets, then a damage at the cut, then the end", () => {
    const file = classic(PACKETS, 0xa1b2c3d4, true);
    const ends = [24, 100, 152, 168];
    for (let length = 0; length < file.length; length++) {
      const cut = file.slice(0, length);
      if (length < 24) {
        expect(refuse(cut)).toContain("expected");
        continue;
      }
      const { packets, damage } = drain(open(cut));
      expect(packets.length).toBe(ends.filter((end) => end <= length).length - 1);
      expect(damage === null).toBe(ends.includes(length));
    }
  });

  test("damaged records are named with their offset", () => {
    const broken = (at: number, value: number) => {
      const file = classic(PACKETS, 0xa1b2c3d4, true);
      new DataView(file.buffer).setUint32(at, value, true);
      const { damage } = drain(open(file));
      return damage === null ? null : formatMalformed(damage);
    };
    expect(broken(100 + 8, 0xffff_ffff)).toBe(
      "pcap captured length at 108: expected at most 262144, got 4294967295",
    );
    expect(broken(100 + 8, 262_145)).toContain("at most 262144, got 262145");
    expect(broken(100 + 8, 262_144)).toContain("at most the 1060 bytes on the wire, got 262144");
    expect(broken(100 + 8, 1061)).toBe(
      "pcap captured length at 108: expected at most the 1060 bytes on the wire, got 1061",
    );
    expect(broken(100 + 8, 1060)).toBe(
      "pcap captured length at 108: expected at most the 52 bytes left in the file, got 1060",
    );
  });

  test("the upper half of the link type, which tells of checksums, does not count", () => {
    const file = classic(PACKETS, 0xa1b2c3d4, true);
    new DataView(file.buffer).setUint16(22, 0x4400, true);
    const { packets, damage } = drain(open(file));
    expect([packets.length, damage]).toEqual([3, null]);
    expect(packets.map(({ linktype }) => linktype)).toEqual([1, 1, 1]);
  });

  test("what is no capture is refused", () => {
    expect(refuse(new TextEncoder().encode("#!/usr/bin/env bun and more text\n"))).toBe(
      "pcap magic at 0: expected a1b2c3d4 or a1b23c4d in either byte order, got 23212f75",
    );
    const old = classic([], 0xa1b2c3d4, true);
    old[4] = 1;
    expect(refuse(old)).toBe("pcap version at 4: expected 2, got 1");
    expect(refuse(new Uint8Array(0))).toBe("pcap magic at 0: expected 4 bytes, got 0");
  });
});

describe("writer", () => {
  const frame = new DataView(Uint8Array.from({ length: 100 }, (_, at) => at).buffer);

  test("what it writes is read back, exact to the ns", () => {
    const memory = new DataView(new Uint8Array(1000).fill(0xa5).buffer);
    const writer = pcap.createWriter(memory, 1_700_000_000);
    const times = [0, 999_999_999, 1_000_000_000, 8_640_000_000_000_123];
    for (const at of times) expect(writer.append(frame, 10, 61, at)).toBe(true);
    const bytes = new Uint8Array(memory.buffer, 0, writer.length());
    const { packets, damage } = drain(open(bytes));
    expect(damage).toBeNull();
    expect(packets.map(({ seconds, nanoseconds }) => [seconds, nanoseconds])).toEqual([
      [1_700_000_000, 0],
      [1_700_000_000, 999_999_999],
      [1_700_000_001, 0],
      [1_708_640_000, 123],
    ]);
    for (const { offset, captured, length } of packets) {
      expect([captured, length]).toEqual([61, 61]);
      expect(bytes[offset]).toBe(10);
      expect(bytes[offset + 60]).toBe(70);
    }
    expect(new Uint8Array(memory.buffer)[writer.length()]).toBe(0xa5);
  });

  test("cuts at the snaplen and keeps the wire's length", () => {
    const memory = new DataView(new ArrayBuffer(200));
    const writer = pcap.createWriter(memory, 0, 40);
    expect(writer.append(frame, 0, 100, 1)).toBe(true);
    expect(writer.length()).toBe(24 + 16 + 40);
    expect(drain(open(new Uint8Array(memory.buffer, 0, 80))).packets).toMatchObject([
      { seconds: 0, nanoseconds: 1, offset: 40, captured: 40, length: 100 },
    ]);
    expect(memory.getUint32(16, true)).toBe(40);
  });

  test("says no and writes nothing where there is no room, and goes on after clear", () => {
    const memory = new DataView(new ArrayBuffer(24 + 2 * (16 + 60) + 75));
    const writer = pcap.createWriter(memory, 0);
    expect([1, 2, 3].map((at) => writer.append(frame, 0, 60, at))).toEqual([true, true, false]);
    expect(writer.length()).toBe(24 + 2 * 76);
    expect(new Uint8Array(memory.buffer, 176).every((byte) => byte === 0)).toBe(true);
    const first = new Uint8Array(memory.buffer.slice(0, writer.length()));
    writer.clear();
    expect(writer.length()).toBe(0);
    expect(writer.append(frame, 0, 60, 3)).toBe(true);
    // The pieces in a row are the file.
    const file = new Uint8Array([...first, ...new Uint8Array(memory.buffer, 0, writer.length())]);
    expect(drain(open(file)).packets.map(({ nanoseconds }) => nanoseconds)).toEqual([1, 2, 3]);
  });
});

describe("pcapng", () => {
  function block(type: number, body: readonly number[], little: boolean): number[] {
    const size = 12 + body.length;
    return [...u32(type, little), ...u32(size, little), ...body, ...u32(size, little)];
  }
  function u32(value: number, little: boolean): number[] {
    const bytes = [value >>> 24, value >>> 16, value >>> 8, value].map((byte) => byte & 0xff);
    return little ? bytes.reverse() : bytes;
  }
  const section = (little: boolean) =>
    block(0x0a0d0d0a, [...u32(0x1a2b3c4d, little), 1, 0, 0, 0, ...Array(8).fill(0xff)], little);
  const link = (little: boolean, options: number[] = [], type = 1) =>
    block(1, [...(little ? [type, 0] : [0, type]), 0, 0, 0, 0, 0, 0, ...options], little);
  const packet = (little: boolean, time: bigint, bytes: number[], length: number, from = 0) => {
    const fields = [from, Number(time >> 32n), Number(time & 0xffff_ffffn), bytes.length, length];
    const padded = [...bytes, ...Array((4 - (bytes.length % 4)) % 4).fill(0)];
    return block(6, [...fields.flatMap((field) => u32(field, little)), ...padded], little);
  };
  const ns = (little: boolean) => [
    ...(little ? [9, 0, 1, 0] : [0, 9, 0, 1]),
    9,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ];

  test.each([true, false])(
    "packets of a µs and of a ns interface, other blocks skipped (little: %p)",
    (little) => {
      const file = Uint8Array.from([
        ...section(little),
        ...link(little),
        ...link(little, ns(little)),
        ...block(5, Array(16).fill(7), little),
        ...packet(little, 1_700_000_000_000_005n, [1, 2, 3], 60),
        ...packet(little, 1_700_000_000_123_456_789n, [4, 5, 6, 7], 4, 1),
        ...block(3, [...u32(2, little), 8, 9, 0, 0], little),
        // Cut by the capture: what there is of 60 bytes.
        ...block(3, [...u32(60, little), 8, 9, 10, 11], little),
      ]);
      const opened = open(file);
      expect(opened.format).toBe("pcapng");
      const { packets, damage } = drain(opened);
      expect(damage).toBeNull();
      expect(packets.map(({ seconds, nanoseconds }) => [seconds, nanoseconds])).toEqual([
        [1_700_000_000, 5000],
        [1_700_000_000, 123_456_789],
        [0, 0],
        [0, 0],
      ]);
      expect(packets.map(({ captured, length }) => [captured, length])).toEqual([
        [3, 60],
        [4, 4],
        [2, 2],
        [4, 60],
      ]);
      expect(packets.map(({ offset }) => file[offset])).toEqual([1, 4, 8, 8]);
    },
  );

  test.each([
    ["2⁻⁰ s", 128, 7n, 7, 0],
    ["2⁻¹ s", 129, 7n, 3, 500_000_000],
    ["10⁻¹ s", 1, 7n, 0, 700_000_000],
  ] as const)(
    "times in units of %s, behind an option of odd length",
    (_, unit, time, whole, rest) => {
      const comment = [1, 0, 1, 0, 0x41, 0, 0, 0];
      const resolution = [9, 0, 1, 0, unit, 0, 0, 0, 0, 0, 0, 0];
      const file = Uint8Array.from([
        ...section(true),
        ...link(true, [...comment, ...resolution]),
        ...packet(true, time, [1], 1),
      ]);
      const { packets, damage } = drain(open(file));
      expect(damage).toBeNull();
      expect(packets.map(({ seconds, nanoseconds }) => [seconds, nanoseconds])).toEqual([
        [whole, rest],
      ]);
    },
  );

  test("a new section forgets the interfaces of the one before", () => {
    const second = [...section(false), ...link(false), ...packet(false, 1n, [2], 1)];
    const first = [...section(true), ...link(true), ...link(true), ...packet(true, 1n, [1], 1, 1)];
    expect(drain(open(Uint8Array.from([...first, ...second]))).packets.length).toBe(2);
    const gone = [...first, ...section(false), ...packet(false, 1n, [2], 1)];
    const { packets, damage } = drain(open(Uint8Array.from(gone)));
    expect(packets.length).toBe(1);
    expect(damage?.field).toBe("interface");
  });

  test("interfaces are numbered over all sections: one of the second is none of the first", () => {
    const one = [...section(true), ...link(true), ...link(true), ...packet(true, 1n, [1], 1, 1)];
    const two = [...section(false), ...link(false), ...packet(false, 1n, [2], 1)];
    const { packets } = drain(open(Uint8Array.from([...one, ...two])));
    expect(packets.map((found) => found.interface)).toEqual([1, 2]);
  });

  test("a block that is left out must be there as a whole, too", () => {
    const file = Uint8Array.from([...section(true), ...block(5, Array(16).fill(7), true)]);
    const { damage } = drain(open(file.slice(0, file.length - 4)));
    expect(damage === null ? null : formatMalformed(damage)).toBe(
      "pcapng block length at 32: expected a multiple of 4 from 12 to the 24 bytes left, got 28",
    );
    expect(drain(open(file)).damage).toBeNull();
  });

  test("cut at every length: no packet beyond the cut, one damage at most", () => {
    const whole = Uint8Array.from([
      ...section(true),
      ...link(true),
      ...packet(true, 1n, [1, 2, 3], 3),
    ]);
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      const found = read(new DataView(cut.buffer));
      if (isMalformed(found)) expect(length).toBeLessThan(28);
      else expect(drain(found).packets).toEqual([]);
    }
    expect(drain(open(whole)).packets.length).toBe(1);
  });

  test("damage is named", () => {
    const damageOf = (...parts: number[][]) => {
      const { damage } = drain(open(Uint8Array.from(parts.flat())));
      return damage === null ? null : formatMalformed(damage);
    };
    expect(damageOf(section(true), packet(true, 1n, [1], 1))).toBe(
      "pcapng interface at 36: expected one of the 0 interfaces described, got 0",
    );
    expect(damageOf(section(true), link(true), packet(true, 1n, [1, 2], 1))).toBe(
      "pcapng captured length at 68: expected at most 1, got 2",
    );
    // The block's own trailer is no part of the packet.
    const five = packet(true, 1n, [1, 2, 3, 4], 60);
    five[20] = 5;
    expect(damageOf(section(true), link(true), five)).toContain("at most 4, got 5");
    const most = Array<number>(262_145).fill(0);
    expect(damageOf(section(true), link(true), packet(true, 1n, most, most.length))).toContain(
      "at most 262144, got 262145",
    );
    expect(damageOf(section(true), [...u32(6, true), ...u32(0, true), ...u32(0, true)])).toBe(
      "pcapng block length at 32: expected a multiple of 4 from 12 to the 12 bytes left, got 0",
    );
  });
});

const editcap = Bun.which("editcap", { PATH: `${process.env["PATH"]}:/usr/sbin` });

test.skipIf(editcap === null)(
  editcap === null
    ? "pcapng by Wireshark (skipped: editcap is not installed)"
    : "pcapng by Wireshark reads as the pcap it was made from",
  async () => {
    const source = new URL("../fixtures/linux-6.1-aoe-against-vblade.pcap", import.meta.url);
    const command = [editcap ?? "", "-F", "pcapng", source.pathname, "-"];
    const { stdout } = Bun.spawn(command, { stdout: "pipe", stderr: "ignore" });
    const converted = await stdout.bytes();
    const original = await Bun.file(source).bytes();
    const one = drain(open(original));
    const other = drain(open(converted));
    expect(other.damage).toBeNull();
    expect(one.packets.length).toBe(240);
    const told = (file: Uint8Array) => (packet: capture.Packet) => ({
      ...packet,
      offset: 0,
      bytes: file.slice(packet.offset, packet.offset + packet.captured).toHex(),
    });
    expect(other.packets.map(told(converted))).toEqual(one.packets.map(told(original)));
  },
);

test("records are whole up to an end, or the one that it cuts is left out", () => {
  const memory = new DataView(new ArrayBuffer(4096));
  const writer = pcap.createWriter(memory, 0);
  writer.clear();
  const frame = new DataView(new Uint8Array(100).buffer);
  const ends = [0];
  for (const length of [60, 0, 100, 1]) {
    expect(writer.append(frame, 0, length, 0)).toBe(true);
    ends.push(writer.length());
  }
  const records = new Uint8Array(memory.buffer, 0, writer.length());
  for (let end = 0; end <= records.length; end++) {
    const whole = ends.findLast((each) => each <= end) ?? -1;
    expect(pcap.wholeRecords(records, end)).toBe(whole);
  }
});
