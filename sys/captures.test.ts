import { expect, test } from "bun:test";

import { listed } from "./captures.ts";

const HEAD = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n";

function line(protocol: string, index: number): string {
  return `000000001f92ac80 3      3    ${protocol}   ${String(index).padEnd(5)} 1 0      0      29297 \n`;
}

test.each([
  ["nobody", "", false],
  ["our own kind", line("88a2", 3), false],
  ["all protocols, this interface", line("0003", 3), true],
  ["all protocols, all interfaces", line("0003", 0), true],
  ["all protocols, another interface", line("0003", 13) + line("0003", 30), false],
  ["a protocol that ends alike", line("a003", 3), false],
  ["one among others", line("88a2", 3) + line("0003", 2) + line("0003", 3) + line("88cc", 3), true],
])("captures: %s", (_, lines, found) => {
  const bytes = Buffer.from(HEAD + lines);
  expect(listed(bytes, bytes.length, 3)).toBe(found);
});

test("captures: interfaces of more digits than one", () => {
  const bytes = Buffer.from(HEAD + line("0003", 127));
  expect([127, 0x127, 12].map((index) => listed(bytes, bytes.length, index))).toEqual([
    true,
    false,
    false,
  ]);
});

test("captures: a line counts when its end is there", () => {
  const bytes = Buffer.from(line("0003", 3));
  expect(listed(bytes, bytes.length - 1, 3)).toBe(false);
});
