// The accessors that hot paths use and the records that control paths use are two readings of the same
// bytes: they must agree, on known frames and on random ones; and so must the writers.

import { expect, test } from "bun:test";
import fc from "fast-check";
import * as aoe from "./aoe.ts";
import * as ata from "./ata.ts";
import * as config from "./config.ts";
import * as ethernet from "./ethernet.ts";
import { isMalformed } from "./malformed.ts";
import * as mask from "./mask.ts";
import * as reserve from "./reserve.ts";

const BASE = 3;
const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const u48 = fc.nat({ max: 2 ** 48 - 1 });

function dirty(): DataView {
  return new DataView(new Uint8Array(300).fill(0xa5).buffer);
}
function ok<T extends object>(value: T): Exclude<T, { expected: string }> {
  if (isMalformed(value)) throw new Error(`malformed: ${JSON.stringify(value)}`);
  return value as Exclude<T, { expected: string }>;
}

test("header sizes are those of the protocol's table", () => {
  expect([
    ethernet.LENGTH,
    aoe.LENGTH,
    ata.LENGTH,
    config.LENGTH,
    mask.LENGTH,
    reserve.LENGTH,
  ]).toEqual([14, 24, 36, 32, 28, 26]);
});

test("ethernet and aoe: written, read by accessor and by record", () => {
  fc.assert(
    fc.property(
      u48,
      u48,
      fc.nat(15),
      u8,
      u16,
      u8,
      u8,
      u32,
      (to, from, flags, error, major, minor, command, tag) => {
        const view = dirty();
        ethernet.write(view, BASE, to, from);
        aoe.write(view, BASE, flags, error, major, minor, command, tag);
        expect(ok(ethernet.parse(view, BASE, 14))).toEqual({
          destination: to,
          source: from,
          type: 0x88a2,
        });
        expect(ok(aoe.parse(view, BASE, 24))).toEqual({
          version: 1,
          flags,
          error,
          major,
          minor,
          command,
          tag,
        });
        expect(aoe.isResponse(view, BASE)).toBe((flags & 8) === 8);
        expect(aoe.isError(view, BASE)).toBe((flags & 4) === 4);
        expect(ethernet.type(view, BASE)).toBe(0x88a2);
      },
    ),
  );
});

test("ata: written, read by accessor and by record", () => {
  fc.assert(
    fc.property(u8, u8, u8, u8, u48, (flags, feature, count, command, lba) => {
      const view = dirty();
      ata.write(view, BASE, flags, feature, count, command, lba);
      const record = ok(ata.parse(view, BASE, 36));
      expect(record).toEqual({ kind: "ata", flags, feature, count, command, lba, reserved: 0 });
      expect(ata.lba48(view, BASE)).toBe(lba);
      expect(ata.lba28(view, BASE)).toBe(lba % 2 ** 28);
      expect([ata.status(view, BASE), ata.error(view, BASE)]).toEqual([command, feature]);
      expect(view.getUint8(BASE + ata.LENGTH)).toBe(0xa5);
    }),
  );
});

test("config: written, read by accessor and by record", () => {
  fc.assert(
    fc.property(
      u16,
      u16,
      u8,
      fc.nat(15),
      fc.nat(100),
      (buffers, firmware, sectors, command, length) => {
        const view = dirty();
        aoe.write(view, BASE, aoe.FLAG_RESPONSE, 0, 1, 2, aoe.COMMAND_CONFIG, 5);
        config.write(view, BASE, buffers, firmware, sectors, command, length);
        const record = ok(config.parse(view, BASE, 32 + length));
        expect(record).toEqual({
          kind: "config",
          bufferCount: config.bufferCount(view, BASE),
          firmware: config.firmware(view, BASE),
          sectorCount: config.sectorCount(view, BASE),
          version: config.version(view, BASE),
          command: config.command(view, BASE),
          stringLength: config.stringLength(view, BASE),
          string: new Uint8Array(length).fill(0xa5),
        });
        expect([record.bufferCount, record.firmware, record.sectorCount]).toEqual([
          buffers,
          firmware,
          sectors,
        ]);
        expect([record.version, record.command, record.stringLength]).toEqual([1, command, length]);
      },
    ),
  );
});

test("mask: written, read by accessor and by record", () => {
  fc.assert(
    fc.property(u8, fc.array(fc.tuple(u8, u48), { maxLength: 30 }), (command, list) => {
      const view = dirty();
      aoe.write(view, BASE, 0, 0, 1, 2, aoe.COMMAND_MASK, 5);
      mask.write(view, BASE, command, 0, list.length);
      list.forEach(([order, mac], index) => {
        mask.writeDirective(view, BASE, index, order, mac);
      });
      const record = ok(mask.parse(view, BASE, 28 + 8 * list.length));
      expect(record.directives).toEqual(
        list.map(([order, mac]) => ({ reserved: 0, command: order, mac })),
      );
      expect([record.command, record.error, record.count, record.reserved]).toEqual([
        command,
        0,
        list.length,
        0,
      ]);
      list.forEach(([order, mac], index) => {
        expect(mask.directiveCommand(view, BASE, index)).toBe(order);
        expect(mask.directiveMac(view, BASE, index)).toBe(mac);
      });
    }),
  );
});

test("reserve: written, read by accessor and by record", () => {
  fc.assert(
    fc.property(u8, fc.array(u48, { maxLength: 40 }), (command, macs) => {
      const view = dirty();
      reserve.write(view, BASE, command, macs.length);
      macs.forEach((mac, index) => {
        reserve.writeMember(view, BASE, index, mac);
      });
      expect(ok(reserve.parse(view, BASE, 26 + 6 * macs.length))).toEqual({
        kind: "reserve",
        command,
        macs,
      });
      expect(macs.map((_, index) => reserve.member(view, BASE, index))).toEqual(macs);
      expect([reserve.command(view, BASE), reserve.count(view, BASE)]).toEqual([
        command,
        macs.length,
      ]);
    }),
  );
});
