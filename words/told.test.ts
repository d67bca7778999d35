import { expect, test } from "bun:test";

import { Told } from "./told.ts";

function told(): { said: string[]; tell: (kind: string, sentence: string) => void } {
  const said: string[] = [];
  const each = new Told((sentence) => said.push(sentence));
  return { said, tell: (kind, sentence) => each.tell(kind, sentence) };
}

test("a kind is told once, and then at each power of ten how often it came", () => {
  const { said, tell } = told();
  for (let count = 0; count < 2000; count++) tell("count", `it is ${count}`);
  expect(said).toEqual([
    "it is 0",
    "it is 9 (10 times so far)",
    "it is 99 (100 times so far)",
    "it is 999 (1000 times so far)",
  ]);
});

test("kinds don't hide each other", () => {
  const { said, tell } = told();
  tell("a", "one");
  tell("b", "two");
  tell("a", "three");
  expect(said).toEqual(["one", "two"]);
});

test("of more kinds than are kept the rest is counted as one", () => {
  const { said, tell } = told();
  for (let kind = 1; kind <= 100_256; kind++) tell(`kind ${kind}`, `it is ${kind}`);
  expect(said.length).toBe(256 + 1 + 5);
  expect(said.at(-1)).toBe("it is 100256 (100000 such sentences so far)");
});
