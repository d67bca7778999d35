// A status line: rewritten and cut on a terminal, plain lines elsewhere.

import { expect, test } from "bun:test";
import { createStatusLine } from "./status_line.ts";

function written(isTTY: boolean, columns: number) {
  let text = "";
  const write = (more: string): boolean => {
    text += more;
    return true;
  };
  const stream = { isTTY, columns, write } as unknown as NodeJS.WriteStream;
  return { line: createStatusLine(stream), text: () => text };
}

test("on a terminal it is rewritten in one row, and taken away for what stays", () => {
  const { line, text } = written(true, 10);
  line.show("12345678901234");
  line.step("short", false);
  line.step("\u001bx stays", true);
  line.clear();
  expect(text()).toBe("\r123456789\u001b[K\rshort\u001b[K\r\u001b[2K\\x1bx stays\n");
});

test("characters of two columns count as two", () => {
  const { line, text } = written(true, 6);
  line.show("日本語日本語");
  expect(text()).toBe("\r日本\u001b[K");
});

test("elsewhere steps are lines, and what only shows is not there", () => {
  const { line, text } = written(false, 0);
  line.show("seconds");
  line.step("a trial", false);
  line.keep("a sentence");
  line.clear();
  expect(text()).toBe("a trial\na sentence\n");
});
