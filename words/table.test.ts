// Tables: what fits stands in columns, what doesn't wraps between words, goes, or is turned; never wider than asked.

import { expect, test } from "bun:test";
import { type Column, formatRecords, formatTable, widthOf } from "./table.ts";

const HEAD = ["DEVICE", "SIZE", "MODEL", "CONFIG"];
const ROWS = [
  ["e7.3", "64m", "AoE software target", "one two three"],
  ["", "", "", "x"],
  ["e17.103", "1.5g", "vblade", ""],
];

const widest = (text: string): number =>
  Math.max(...text.split("\n").map((line) => Bun.stringWidth(line)));

test("without a limit: as wide as the longest entries, no blanks at the ends of lines", () => {
  expect(formatTable(HEAD, ROWS)).toBe(
    [
      "DEVICE   SIZE  MODEL                CONFIG",
      "e7.3     64m   AoE software target  one two three",
      "                                    x",
      "e17.103  1.5g  vblade",
      "",
    ].join("\n"),
  );
});

test("a width that is just enough changes nothing, one less wraps the widest column between words", () => {
  const all = formatTable(HEAD, ROWS);
  expect(formatTable(HEAD, ROWS, widest(all))).toBe(all);
  expect(formatTable(HEAD, ROWS, widest(all) - 1)).toBe(
    [
      "DEVICE   SIZE  MODEL               CONFIG",
      "e7.3     64m   AoE software        one two three",
      "               target",
      "                                   x",
      "e17.103  1.5g  vblade",
      "",
    ].join("\n"),
  );
});

test("of two columns that can be wrapped the wider one gives way, until they are level", () => {
  const rows = [["a bb ccc", "a bb ccc dddd"]];
  expect(formatTable(["X", "Y"], rows, 20)).toBe(
    "X         Y\na bb ccc  a bb ccc\n          dddd\n",
  );
  expect(formatTable(["X", "Y"], rows, 16)).toBe(
    "X        Y\na bb     a bb\nccc      ccc\n         dddd\n",
  );
});

test("one blank between columns before they are turned; a block for each row then", () => {
  // 7 + 4 + 8 + 6 and three gaps of two blanks, or of one.
  expect(formatTable(HEAD, ROWS, 31).split("\n")[0]).toBe("DEVICE   SIZE  MODEL     CONFIG");
  expect(formatTable(HEAD, ROWS, 28).split("\n")[0]).toBe("DEVICE  SIZE MODEL    CONFIG");
  expect(formatTable(HEAD, ROWS, 27)).toBe(
    [
      "DEVICE  e7.3",
      "SIZE    64m",
      "MODEL   AoE software target",
      "CONFIG  one two three",
      "",
      "CONFIG  x",
      "",
      "DEVICE  e17.103",
      "SIZE    1.5g",
      "MODEL   vblade",
      "",
    ].join("\n"),
  );
});

test("the widest column that can be narrowed is, wherever it stands", () => {
  const rows = [["a b c d e", "one two three four", "x"]];
  expect(formatTable(["A", "B", "C"], rows, 28)).toBe(
    "A          B               C\na b c d e  one two three   x\n           four\n",
  );
  expect(formatTable(["B", "A", "C"], [["one two three four", "a b c d e", "x"]], 28)).toBe(
    "B               A          C\none two three   a b c d e  x\nfour\n",
  );
});

test("no line is wider than asked, down to the longest word; no word is lost or broken", () => {
  const words = (text: string): string[] => text.split(/\s+/).filter(Boolean).sort();
  const wanted = words(formatTable(HEAD, ROWS));
  for (let width = 16; width < 60; width++) {
    const text = formatTable(HEAD, ROWS, width);
    expect([width, widest(text) <= width]).toEqual([width, true]);
    // Turned, each row names its columns again.
    expect(wanted.filter((word) => !words(text).includes(word))).toEqual([]);
  }
});

const number = (name: string, drop: number): Column => ({ name, right: true, least: 7, drop });

test("columns that may go do, the highest first, and a last line names them", () => {
  const head: Column[] = [
    { name: "NAME", least: 8 },
    number("A", 1),
    number("B", 3),
    number("C", 2),
  ];
  const rows = [["one", "1", "22", "333"]];
  expect(formatTable(head, rows, 35)).toBe(
    "NAME            A        B        C\none             1       22      333\n",
  );
  expect(formatTable(head, rows, 30)).toBe(
    "NAME            A        C\none             1      333\n(no room for B)\n",
  );
  expect(formatTable(head, rows, 20)).toBe(
    "NAME            A\none             1\n(no room for B, C)\n",
  );
  expect(formatTable(head, rows, 14)).toBe("NAME\none\n(no room for\nA, B, C)\n");
});

test("rows that name their columns, in the order in which these come up", () => {
  expect(formatRecords([{ b: "1" }, { b: "2", a: "3" }])).toBe("b  a\n1\n2  3\n");
  expect(formatRecords([{ long: "123456", spare: "1", more: "2" }], 13, ["more", "spare"])).toBe(
    "long    spare\n123456  1\n(no room for\nmore)\n",
  );
  expect(formatRecords([])).toBe("");
});

test("cells are printable, and as wide as a terminal shows them", () => {
  expect(formatTable(["a", "b"], [["\u001b[2J", "x\ny"]])).toBe("a        b\n\\x1b[2J  x\\x0ay\n");
  expect(formatTable(["日本", "b"], [["a", "c"]])).toBe("日本  b\na     c\n");
});

test("a terminal has a width, all else has none", () => {
  expect(widthOf({ isTTY: true, columns: 80 })).toBe(80);
  for (const stream of [{}, { isTTY: false, columns: 80 }, { isTTY: true, columns: 0 }]) {
    expect(widthOf(stream)).toBe(Number.POSITIVE_INFINITY);
  }
});
