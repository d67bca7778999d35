// docs/initiator.md is true: its commands print what it shows, its program is the example.
// Run with AOE_UPDATE_DOCS=1 to write what the commands print now into the page.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { expect, test } from "bun:test";

import { insideLabTests, testsInLab } from "../suites/in_lab.ts";
import { initiatorCommand } from "../../initiator/commands.ts";

const PAGE = resolve(import.meta.dir, "../../docs/initiator.md");
const AOE = resolve(import.meta.dir, "../../aoe.ts");
const page = readFileSync(PAGE, "utf8");

/** What differs from run to run. */
function normal(text: string): string {
  return (
    text
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "WHEN")
      .replaceAll(/\b\d+(\.\d+)? (ns|µs|ms)(?!\w)/g, "TIME")
      .replaceAll(/\b\d+(\.\d+)? ?s\b/g, "TIME")
      .replaceAll(/\b[\d.]+ [KMG]iB\/s/g, "RATE")
      .replaceAll(/\bAoE-[0-9a-f]{16}\b/g, "SERIAL")
      .replaceAll(/\d+ of 8388608 bytes/g, "SOME of 8388608 bytes")
      // On a busy machine something is always sent again, and a moment is long enough for a look at the progress.
      .replaceAll(/^(Writing|Reading|Verifying) .* left\n/gm, "")
      .replaceAll(/; \d+ retransmits?.*$/gm, "")
      .replaceAll(/^Copied \S+ \S+ in/gm, "Copied SOME in")
      .trimEnd()
  );
}

/** The blocks of commands, with what each prints. */
function blocks(): { start: number; end: number; commands: { line: string; output: string }[] }[] {
  return [...page.matchAll(/^```console\n(.*?)^```$/gms)].map((match) => {
    const body = match[1] ?? "";
    const commands = body
      .split(/^\$ /m)
      .slice(1)
      .map((each) => {
        const newline = each.indexOf("\n");
        return { line: each.slice(0, newline), output: each.slice(newline + 1) };
      });
    const start = match.index + "```console\n".length;
    return { start, end: start + body.length, commands };
  });
}

testsInLab(import.meta.path, { mtu: 9000 }, () => {
  test("each command prints what the page shows", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-docs-"));
    const bin = join(folder, "bin");
    const work = join(folder, "work");
    mkdirSync(bin);
    mkdirSync(work);
    writeFileSync(join(bin, "aoe"), `#!/bin/sh\nexec ${process.execPath} ${AOE} "$@"\n`, {
      mode: 0o755,
    });
    const targets = [
      { slot: 3, bytes: 8 << 20, options: [] },
      { slot: 4, bytes: 4 << 20, options: ["-r"] },
    ].map(({ slot, bytes, options }) => {
      const file = join(folder, `disk${slot}`);
      writeFileSync(file, "");
      truncateSync(file, bytes);
      return Bun.spawn([process.execPath, AOE, "target", ...options, "7", `${slot}`, "b0", file], {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
      });
    });
    const run = async (line: string): Promise<string> => {
      const child = Bun.spawn(["sh", "-c", `{ ${line}\n} 2>&1`], {
        cwd: work,
        env: { ...process.env, PATH: `${bin}:${process.env["PATH"]}` },
        stdin: "ignore",
        stdout: "pipe",
      });
      return new Response(child.stdout).text();
    };
    try {
      for (let tries = 0; tries < 50; tries++) {
        const said = await run("aoe initiator discover -i a0 --wait 100ms");
        if (said.includes("e7.3") && said.includes("e7.4")) break;
      }
      let updated = page;
      let moved = 0;
      for (const { start, end, commands } of blocks()) {
        let fresh = "";
        for (const { line, output } of commands) {
          const said = (await run(line)).replaceAll(folder, "").replace(/([^\n])$/, "$1\n");
          fresh += `$ ${line}\n${said}`;
          if (process.env["AOE_UPDATE_DOCS"] === "1") continue;
          expect({ line, said: normal(said) }).toEqual({ line, said: normal(output) });
        }
        updated = updated.slice(0, start + moved) + fresh + updated.slice(end + moved);
        moved += fresh.length - (end - start);
      }
      if (process.env["AOE_UPDATE_DOCS"] === "1") writeFileSync(PAGE, updated);
    } finally {
      for (const child of targets) child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    }
  }, 90_000);
});

if (!insideLabTests) {
  test("the page's program is initiator/example.ts", () => {
    const example = readFileSync(join(import.meta.dir, "../../initiator/example.ts"), "utf8");
    const shown = /^```ts\n(.*?)^```$/ms.exec(page)?.[1];
    expect(shown).toBe(example.slice(example.indexOf("import")));
  });

  test("every command is on the page", () => {
    for (const { name } of initiatorCommand().commands.map((command) => ({
      name: command.name(),
    }))) {
      expect(page).toMatch(new RegExp(`aoe initiator ${name}\\b`));
    }
  });
}
