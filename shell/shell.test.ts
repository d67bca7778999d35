// Completion by the real shells' own functions where they are there, and manual pages by man itself.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AOE, findProgram } from "../lab/programs.ts";
import manifest from "../package.json" with { type: "json" };
import { ownFile } from "../sys/root.ts";
import type { Completion } from "../words/command_options.ts";
import { complete, FILES } from "./complete.ts";
import { answerFor, joinWords, SCRIPTS, SHELLS } from "./scripts.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-shell-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function aoe(...words: string[]) {
  const ran = Bun.spawnSync([process.execPath, AOE, ...words], { stdout: "pipe", stderr: "pipe" });
  return { code: ran.exitCode, out: ran.stdout.toString(), err: ran.stderr.toString() };
}

const lines = (...words: string[]): string[] =>
  aoe("complete", "bash", "--", ...words)
    .out.split("\n")
    .slice(0, -1);

describe("what may stand at the end of a line", () => {
  const leaf = { help: "", arguments: [], options: [], commands: [] };
  const tree: Completion = {
    ...{ name: "aoe", help: "", arguments: [], options: [] },
    commands: [
      {
        ...{ name: "load", help: "put load", commands: [] },
        arguments: [
          { name: "device", choices: [] },
          { name: "how", choices: ["slow", "fast"] },
        ],
        options: [
          { flags: ["-q", "--quiet"], hint: "", choices: [], help: "less" },
          { flags: ["--pool"], hint: "strategy", choices: ["fixed", "swap"], help: "which" },
          { flags: ["--trace"], hint: "file", choices: [], help: "where" },
        ],
      },
      { ...leaf, name: "late", commands: [{ ...leaf, name: "hold" }] },
    ],
  };
  test.each([
    ["", ["load", "late"]],
    ["lo", ["load"]],
    ["late h", ["hold"]],
    ["load ", ["e7.3"]],
    ["load e7.3 f", ["fast"]],
    ["load e7.3 --pool ", ["fixed", "swap"]],
    ["load --pool fixed e7.3 s", ["slow"]],
    ["load -q e7.3 s", ["slow"]],
    ["load --q", ["--quiet"]],
    ["load -", ["-q", "--quiet", "--pool", "--trace"]],
    ["load --trace ", FILES],
    ["load -- ", FILES],
  ] as const)("aoe %s", async (line, wanted) => {
    const found = await complete(tree, line.split(" "), (name, hint) =>
      name === "device" ? [{ value: "e7.3", about: "a model" }] : hint === "file" ? FILES : [],
    );
    const values = found === FILES ? FILES : found.map(({ value }) => value);
    expect<unknown>(values).toEqual(wanted);
  });
});

test("bash's words are put together again, and its answer is what follows the mark", () => {
  expect(joinWords(["run", "--set", "pool", "=", "fi"])).toEqual(["run", "--set", "pool=fi"]);
  expect(joinWords(["--service", "delay", ":", "1ms", "x"])).toEqual([
    "--service",
    "delay:1ms",
    "x",
  ]);
  const found = [{ value: "pool=fixed", about: "a:b" }];
  expect(answerFor("bash", found, "pool=fi")).toBe("fixed\n");
  expect(answerFor("zsh", found, "pool=fi")).toBe("pool=fixed:a:b\n");
  expect(answerFor("fish", found, "pool=fi")).toBe("pool=fixed\ta:b\n");
  expect(answerFor("bash", FILES, "")).toBe(":files\n");
});

test("the program's own commands, options, values and keys", () => {
  expect(lines("")).toEqual(expect.arrayContaining(["target", "initiator", "bench", "man"]));
  expect(lines("")).not.toContain("complete");
  expect(lines("bench", "load", "--link", "")).toEqual(["packet", "ring", "xdp"]);
  expect(lines("bench", "run", "--set", "pool", "=", "sc")).toEqual(["scan-swap"]);
  expect(lines("bench", "run", "--set", "iod")).toEqual(["iodepth="]);
  expect(lines("target", "--profile", "")).toEqual(expect.arrayContaining(["fast", "slow"]));
  expect(lines("initiator", "info", "--interface", "")).toContain("lo");
  expect(lines("bench", "run", "")).toEqual([":files"]);
  // Nobody can be asked.
  expect(lines("initiator", "info", "--interface", "none0", "")).toEqual([]);
}, 60_000);

for (const shell of SHELLS) {
  const program = findProgram(shell);
  const why = program === null ? ` (skipped: ${shell} is not here)` : "";
  test.skipIf(program === null)(`${shell} takes its script${why}`, () => {
    const ran = Bun.spawnSync([program ?? "", "-n"], {
      stdin: Buffer.from(SCRIPTS[shell]),
      stderr: "pipe",
    });
    expect([ran.exitCode, ran.stderr.toString()]).toEqual([0, ""]);
  });
}

test("bash completes by it", () => {
  const path = `${ownFile("bin")}:${process.env["PATH"] ?? ""}`;
  const script = `source <(aoe completion bash)
    compopt() { echo "compopt $*"; }
    COMP_WORDS=(aoe bench load --li) COMP_CWORD=3; _aoe; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(aoe bench run --set poo) COMP_CWORD=4; _aoe; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(aoe decode "") COMP_CWORD=2; _aoe; echo "\${COMPREPLY[@]}"`;
  const env = { ...process.env, PATH: path, AOE_BUN: process.execPath };
  const ran = Bun.spawnSync(["bash", "-c", script], { env, stdout: "pipe", stderr: "pipe" });
  const said = ran.stdout.toString().split("\n").slice(0, -1);
  expect([said[0], ran.stderr.toString()]).toEqual(["--link", ""]);
  expect(said.slice(1)).toEqual([
    "compopt -o nospace",
    "pool= pool_prealloc= pool_cap=",
    "compopt -o default",
    "",
  ]);
}, 60_000);

test("each command has a manual page with each of its options, which man takes", () => {
  expect(aoe("man", "-o", folder).code).toBe(0);
  const pages = readdirSync(folder);
  expect(pages).toEqual(expect.arrayContaining(["aoe.1", "aoe-target-ctl.1", "aoe-bench-run.1"]));
  // npm installs those alone that package.json names.
  expect(manifest.man.toSorted()).toEqual(pages.toSorted().map((page) => `man/${page}`));
  const load = readFileSync(join(folder, "aoe-bench-load.1"), "utf8");
  for (const option of lines("bench", "load", "--")) {
    expect(load).toContain(option.replaceAll("-", "\\-"));
  }
  const man = findProgram("man");
  if (man === null) console.log("Not read by man, which is not here");
  for (const page of man === null ? [] : pages) {
    const ran = Bun.spawnSync([man ?? "", "-l", "--warnings=w", join(folder, page)], {
      env: { ...process.env, MANPAGER: "cat", MANWIDTH: "80" },
      stdout: "pipe",
      stderr: "pipe",
    });
    expect([page, ran.exitCode, ran.stderr.toString()]).toEqual([page, 0, ""]);
  }
}, 120_000);

test("each help ends with examples, and `aoe help` leads to it", () => {
  const without = readdirSync(folder).filter(
    (page) => !/^\.SH EXAMPLES?$/m.test(readFileSync(join(folder, page), "utf8")),
  );
  expect(without).toEqual(["aoe.1"]);
  expect(aoe("help", "bench", "run").out).toBe(aoe("bench", "run", "--help").out);
}, 60_000);
