// The printable form: nothing that steers a terminal or reorders a line gets through, and JSON keeps its value.

import { expect, test } from "bun:test";
import {
  printable,
  printableBytes,
  printableJson,
  printableLines,
  printableTexts,
} from "./printable.ts";

const ESC = "\u001b[2J";

test.each([
  [ESC, "\\x1b[2J"],
  ["\u009b2J", "\\x9b2J"],
  ["a\u202eb", "a\\u{202e}b"],
  ["two\nlines\r\t", "two\\x0alines\\x0d\\x09"],
  ["\u0000\u007f", "\\x00\\x7f"],
  ["\u2028\u2029", "\\u{2028}\\u{2029}"],
  ["zero\u200bwidth\ufeff", "zero\\u{200b}width\\u{feff}"],
  ["\ud800", "\\u{d800}"],
  ["tag \u{e0041}", "tag \\u{e0041}"],
  ["nobody's \u{10ffff}", "nobody's \\u{10ffff}"],
  ["Größe 4 µs – 日本 😀 C:\\x1b", "Größe 4 µs – 日本 😀 C:\\x1b"],
])("%j is shown as %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("a text of several lines keeps its line ends, and nothing else that moves a cursor", () => {
  expect(printableLines(`a\n${ESC}\r\nb\u2028`)).toBe("a\n\\x1b[2J\\x0d\nb\\u{2028}");
});

test("bytes: UTF-8 as text, others as ASCII with the rest escaped", () => {
  expect(printableBytes(new TextEncoder().encode(`Büro ${ESC}`))).toBe("Büro \\x1b[2J");
  expect(printableBytes(Uint8Array.of(0x61, 0xff, 0x1b, 0x9b))).toBe("a\\xff\\x1b\\x9b");
  expect(printableBytes(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\\u{feff}a");
  expect(printableBytes(new Uint8Array(0))).toBe("");
});

test("every text of a value, its keys too; what is no text stays", () => {
  const value = { [`k${ESC}`]: [ESC, 1, null, true, { deep: "\u009b" }], plain: "as it is" };
  expect(printableTexts<unknown>(value)).toEqual({
    "k\\x1b[2J": ["\\x1b[2J", 1, null, true, { deep: "\\x9b" }],
    plain: "as it is",
  });
});

test("JSON parses to the same value and holds no such character", () => {
  const value = { [`k\u009b`]: `${ESC}\u009b\u202e\u{e0041}\u2028\u007f "\\ ü`, list: [1, "a\nb"] };
  for (const indent of [undefined, 2]) {
    const text = printableJson(value, indent);
    expect(JSON.parse(text)).toEqual(value);
    expect(printableLines(text)).toBe(text);
    expect(text).toContain("ü");
    expect(text.split("\n").length).toBe(indent === undefined ? 1 : 7);
  }
});

test("every code point that a terminal or a bidirectional line obeys is escaped", () => {
  const ranges: readonly (readonly [number, number])[] = [
    [0, 0x1f],
    [0x7f, 0x9f],
    [0x61c, 0x61c],
    [0x200e, 0x200f],
    [0x2028, 0x202e],
    [0x2066, 0x2069],
  ];
  for (const [from, to] of ranges) {
    for (let code = from; code <= to; code++) {
      expect(printable(String.fromCodePoint(code))).toMatch(/^\\(x[0-9a-f]{2}|u\{[0-9a-f]+\})$/);
    }
  }
});
