// Addresses: e7.3 and nothing like it.

import { expect, test } from "bun:test";
import { formatAddress, parseAddress } from "./address.ts";

test("reads and writes eSHELF.SLOT", () => {
  expect(parseAddress("e7.3", "ADDRESS")).toEqual({ major: 7, minor: 3 });
  expect(parseAddress("e0.0", "ADDRESS")).toEqual({ major: 0, minor: 0 });
  expect(parseAddress("e65534.254", "ADDRESS")).toEqual({ major: 65534, minor: 254 });
  expect(formatAddress({ major: 7, minor: 3 })).toBe("e7.3");
});

test("refuses everything else, the broadcast shelf and slot included", () => {
  for (const text of [
    "",
    "7.3",
    "e7",
    "e7.",
    "e.3",
    "e65535.0",
    "e0.255",
    "e-1.0",
    "e7.3.1",
    "E7.3x",
  ]) {
    expect(() => parseAddress(text, "ADDRESS")).toThrow(
      `Expected \`ADDRESS\` to be an address eSHELF.SLOT with shelf 0 to 65534 and slot 0 to 254, got \`${text}\``,
    );
  }
});
