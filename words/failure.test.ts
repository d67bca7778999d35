// Failures: the sentence and the exit code are what scripts and people see.

import { expect, test } from "bun:test";
import { environment, EXIT, expected, Failure, failed, notFound, usage } from "./failure.ts";

test("each kind carries the exit code of interfaces.md", () => {
  const kinds: [(message: string) => Failure, number][] = [
    [failed, 1],
    [usage, 2],
    [environment, 5],
    [notFound, 6],
  ];
  for (const [kind, code] of kinds) {
    const failure = kind("No.");
    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toBeInstanceOf(Error);
    expect(failure.exitCode).toBe(code);
    expect(failure.message).toBe("No.");
  }
  expect(EXIT.threshold).toBe(3);
  expect(EXIT.inconclusive).toBe(4);
});

test("what it quotes stands in one line, whose blanks are those of a sentence", () => {
  const failure = failed("  A program said:\n  no\r\n\nway\u001b[2J\n");
  expect(failure.message).toBe("A program said: no way\\x1b[2J");
});

test("expected names the option, the rule and what was found", () => {
  const failure = expected("--lanes", "an integer >= 1", "0");
  expect(failure.message).toBe("Expected `--lanes` to be an integer >= 1, got `0`");
  expect(failure.exitCode).toBe(EXIT.usage);
  expect(expected("shelf", "an integer", undefined).message).toEndWith("got `undefined`");
});

test("line ends and what steers a terminal don't get into a sentence", () => {
  expect(failed(" It said:\n  no\r\n").message).toBe("It said: no");
  expect(usage("got `\u001b[2J`").message).toBe("got `\\x1b[2J`");
  expect(expected("x", "one line", "a\nb").message).toBe(
    "Expected `x` to be one line, got `a\\x0ab`",
  );
});
