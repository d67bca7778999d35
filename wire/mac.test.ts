import { expect, test } from "bun:test";
import fc from "fast-check";
import { copy, copyIn, copyOut } from "./bytes.ts";
import { BROADCAST, formatMac, isGroup, parseMac, readMac, writeMac } from "./mac.ts";

test("a MAC is its octets read big-endian", () => {
  const view = new DataView(Uint8Array.fromHex("a5a50004cf000001a5").buffer);
  expect(readMac(view, 2)).toBe(0x0004_cf00_0001);
  writeMac(view, 2, 0xfedc_ba98_7654);
  expect(new Uint8Array(view.buffer).toHex()).toBe("a5a5fedcba987654a5");
});

test("spelled with colons, hyphens or nothing, and never with a mixture", () => {
  fc.assert(
    fc.property(fc.nat({ max: BROADCAST }), (mac) => {
      expect(parseMac(formatMac(mac))).toBe(mac);
      expect(parseMac(formatMac(mac).replaceAll(":", "-").toUpperCase())).toBe(mac);
      expect(parseMac(formatMac(mac).replaceAll(":", ""))).toBe(mac);
    }),
  );
  for (const text of [
    "",
    "00:04:cf:00:00",
    "00:04-cf:00:00:01",
    "00:04:cf:00:00:0g",
    "00:04:cf:00:00:01:02",
  ]) {
    expect(parseMac(text)).toBeNull();
  }
});

test("group addresses have the lowest bit of the first octet", () => {
  expect([BROADCAST, 0x0100_5e00_0001, 0x0300_0000_0000].map(isGroup)).toEqual([true, true, true]);
  expect([0, 0x0004_cf00_0001, 0xfe00_0000_0001].map(isGroup)).toEqual([false, false, false]);
});

test("copy moves exactly its bytes, whatever the length and the alignment", () => {
  fc.assert(
    fc.property(fc.nat(40), fc.nat(7), fc.nat(7), (length, from, to) => {
      const source = new DataView(Uint8Array.from({ length: 50 }, (_, at) => at + 1).buffer);
      const target = new Uint8Array(50).fill(0xa5);
      copy(source, from, new DataView(target.buffer), to, length);
      const wanted = new Uint8Array(50).fill(0xa5);
      wanted.set(new Uint8Array(source.buffer, from, length), to);
      expect(target.toHex()).toBe(wanted.toHex());
    }),
  );
});

test("copies out and in honour the view's own offset", () => {
  const memory = Uint8Array.from([1, 2, 3, 4, 5, 6]);
  const view = new DataView(memory.buffer, 2, 4);
  const taken = copyOut(view, 1, 2);
  expect([...taken]).toEqual([4, 5]);
  memory.fill(0);
  expect([...taken]).toEqual([4, 5]);
  copyIn(taken, view, 2);
  expect([...memory]).toEqual([0, 0, 0, 0, 4, 5]);
});
