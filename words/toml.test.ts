// Where in a TOML file something stands.

import { describe, expect, test } from "bun:test";

import { Failure } from "./failure.ts";
import { lineOf, parseToml } from "./toml.ts";

const FILE = `top = 1 # a comment
list = ["a",
  "b"]

[defaults]
sync = true

[[export]]
address = "e1.0"
  [[ export ]]
"address" = "e1.1"
\t service = "lanes:1"
[other]
service = "x"
`;

describe("lines", () => {
  test.each<[string, number, string | null, number | null]>([
    ["", 0, "top", 1],
    ["", 0, "list", 2],
    ["", 0, "sync", null],
    ["[defaults]", 0, "sync", 6],
    ["[defaults]", 0, "absent", 5],
    ["[[export]]", 0, "address", 9],
    ["[[export]]", 1, "address", 11],
    ["[[export]]", 1, "service", 12],
    ["[[export]]", 0, "service", 8],
    ["[[export]]", 1, null, 10],
    ["[[export]]", 2, "address", null],
    ["[absent]", 0, "a", null],
  ])("%s %d %s", (head, nth, key, line) => {
    expect(lineOf(FILE, head, nth, key)).toBe(line);
  });
});

describe("faults", () => {
  test("a file without any is its tables", () => {
    expect(parseToml(FILE, "f.toml")["export"]).toHaveLength(2);
  });

  test.each<[string, string, number]>([
    ["a key without a value", "a = 1\nb =\nc = 3\n", 2],
    ["an open text", 'a = 1\nb = 2\nc = "x\nd = 4\n', 3],
    ["a key given twice", "a = 1\nb = 2\n\na = 3\nc = 4\n", 4],
    ["the very first line", "[[\n", 1],
  ])("%s is found by its line", (_name, text, line) => {
    expect(() => parseToml(text, "f.toml")).toThrow(Failure);
    expect(() => parseToml(text, "f.toml")).toThrow(`f.toml line ${line}: Expected TOML`);
  });

  test("the last of 2,000 lines is found at once", () => {
    const text = `${"a = 1\n[t]\n".replaceAll("a", "b")}${Array.from({ length: 2_000 }, (_, index) => `k${index} = 1`).join("\n")}\nlast = \n`;
    const begun = performance.now();
    expect(() => parseToml(text, "f")).toThrow("f line 2003");
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});
