// What a refused file is told as: the known reasons in words, all others as the system says it.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { EXIT } from "./failure.ts";
import { cantRead, fileReason } from "./file_error.ts";

test("a reason in words, or the system's own", () => {
  const refusal = (code: string) => Object.assign(new Error("EXYZ: strange"), { code });
  expect(fileReason(refusal("ENOSPC"))).toBe("no space is left there");
  expect(fileReason(refusal("EROFS"))).toBe("the file system is read-only");
  expect(fileReason(refusal("EXYZ"))).toBe("EXYZ: strange");
  expect(fileReason(new Error("no code at all"))).toBe("no code at all");
});

test("what can't be read is the environment's fault", () => {
  const failure = cantRead("the result a.json", Object.assign(new Error(""), { code: "EISDIR" }));
  expect(failure.message).toBe("Can't read the result a.json: it is a directory");
  expect(failure.exitCode).toBe(EXIT.environment);
});

test.each([
  ["/no/such/file", "no such file or directory"],
  ["/", "it is a directory"],
  ["/proc/version/x", "what should be its directory is a file"],
])("%s: %s, as the system refuses it", (path, reason) => {
  let refusal: unknown = null;
  try {
    readFileSync(path);
  } catch (error) {
    refusal = error;
  }
  expect(fileReason(refusal)).toBe(reason);
});
