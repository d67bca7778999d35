import { expect, test } from "bun:test";
import { expandPattern } from "./host_pattern.ts";

const expand = (pattern: string) => expandPattern(pattern, "initiator_hosts").join(" ");

test.each([
  ["i1", "i1"],
  ["i[1-3]", "i1 i2 i3"],
  ["node[008-011]", "node008 node009 node010 node011"],
  ["n[1,3-4]-x", "n1-x n3-x n4-x"],
  ["ini-[ab]", "ini-a ini-b"],
  ["t1, t2,u[1-2]", "t1 t2 u1 u2"],
  ["r[1-2]n[1-2]", "r1n1 r1n2 r2n1 r2n2"],
  ["joe@lab-[1-2].example", "joe@lab-1.example joe@lab-2.example"],
])("%s is %s", (pattern, names) => {
  expect(expand(pattern)).toBe(names);
});

test.each([
  "",
  "i[",
  "i[]",
  "i[3-1]",
  "i[1-]",
  "i[1-9999]",
  "-oProxyCommand=x",
  "a b",
  "i1,i1",
  "a;b",
])("%p is refused, by the name of its key", (pattern) => {
  expect(() => expand(pattern)).toThrow("Expected `initiator_hosts` to be");
});
