// Where bytes are no text: the line and the byte, whatever breaks the character.

import { describe, expect, test } from "bun:test";

import { EXIT, Failure } from "./failure.ts";
import { decodeUtf8, findOtherEncoding } from "./utf8.ts";

const bytes = (...parts: (string | number)[]): Uint8Array =>
  Buffer.concat(
    parts.map((part) => (typeof part === "number" ? Buffer.of(part) : Buffer.from(part))),
  );

function refusal(from: Uint8Array): string {
  try {
    decodeUtf8(from, "a.toml");
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.exitCode).toBe(EXIT.usage);
    return error.message;
  }
  return "taken";
}

test.each(["", "a = 1\n", "é 你 😀 \u0000 \uFFFD", "\uFEFFa = 1"])("%j is UTF-8", (text) => {
  expect(decodeUtf8(bytes(text), "a.toml")).toBe(text);
});

describe("what is not", () => {
  test.each<[string, Uint8Array, string]>([
    [
      "Latin-1",
      bytes("a = 1\nfile = 'caf", 0xe9, "'\n"),
      "line 2, byte 12: Expected UTF-8, got byte 0xe9",
    ],
    ["the first byte", bytes(0xff, 0xfe, "a\n"), "line 1, byte 1: Expected UTF-8, got byte 0xff"],
    ["behind a character", bytes("é\n€", 0x80), "line 2, byte 4: Expected UTF-8, got byte 0x80"],
    [
      "behind the replacement itself",
      bytes("\uFFFD", 0xe9),
      "line 1, byte 4: Expected UTF-8, got byte 0xe9",
    ],
    ["a surrogate", bytes("a", 0xed, 0xa0, 0x80), "line 1, byte 2: Expected UTF-8, got byte 0xed"],
    ["too long a form", bytes("a\n", 0xc0, 0x80), "line 2, byte 1: Expected UTF-8, got byte 0xc0"],
    ["a cut character", bytes("ab\n", 0xe2, 0x82), "line 2, byte 1: Expected UTF-8, got byte 0xe2"],
    [
      "a cut replacement",
      bytes("a", 0xef, 0xbf),
      "line 1, byte 4: Expected UTF-8, got its end within a character",
    ],
  ])("%s", (_name, from, sentence) => {
    expect(refusal(from)).toBe(`a.toml ${sentence}`);
  });
});

test("a word that is not, among words that are", () => {
  expect(findOtherEncoding(bytes("aoe\0target\0café.img\0"))).toBeNull();
  expect(findOtherEncoding(bytes("aoe\0caf", 0xe9, ".img\0", 0xff, "\0"))).toBe("caf\\xe9.img");
  expect(findOtherEncoding(bytes("aoe\0", 0xff))).toBe("\\xff");
});
