// The worked examples of docs/extend.md, each followed in a copy of the project.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { probeLab } from "../../lab/lab.ts";
import { ROOT } from "../../sys/root.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-extend-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = readFileSync(join(ROOT, "docs/extend.md"), "utf8");
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text) => [text.split("\n")[0] ?? "", text] as const);

function run(cwd: string, command: string, stdin = ""): void {
  const before = [join(ROOT, "node_modules/.bin"), join(cwd, "bin")].join(":");
  const ran = Bun.spawnSync(["sh", "-e", "-c", command], {
    cwd,
    env: {
      ...process.env,
      PATH: `${before}:${process.env["PATH"] ?? ""}`,
      AOE_BUN: process.execPath,
    },
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = `${ran.stdout.toString()}${ran.stderr.toString()}`;
  expect({ command, code: ran.exitCode, said }).toEqual({ command, code: 0, said });
}

/** The project's files, with the packages of this one. */
function copyProject(name: string): string {
  const copy = join(folder, name);
  mkdirSync(copy);
  const ours = ["node_modules", ".git", ".tmp", "results", "build"];
  const without = ours.map((path) => `--exclude=./${path}`).join(" ");
  run(copy, `tar -C '${ROOT}' ${without} -cf - . | tar -xf -`);
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  return copy;
}

test("there is an example of each kind", () => {
  expect(sections.map(([name]) => name)).toEqual(["A pool", "A rule", "A service model", "A link"]);
});

const lab = probeLab();

test.each(sections)(
  "%s",
  (name, text) => {
    const copy = copyProject(name.replaceAll(" ", "-"));
    for (const [, path = "", source = ""] of text.matchAll(
      /new file, `([^`]+)`:\n\n```ts\n(.*?)^```$/gms,
    )) {
      writeFileSync(join(copy, path), source);
    }
    for (const [, diff = ""] of text.matchAll(/^```diff\n(.*?)^```$/gms)) {
      run(copy, "git apply -C1 -", diff);
    }
    const commands = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = ""]) =>
      block.trim().split("\n"),
    );
    expect(commands.length).toBeGreaterThan(1);
    for (const command of commands) {
      if (lab.available || !command.includes("aoe lab")) run(copy, command);
    }
  },
  300_000,
);
