// The command line from outside: what it prints where, how it ends, and what it doesn't load.
//
// What no command does by itself (a fault of ours, a hang, endless output) is made by a preload
// that replaces commander's parseAsync, so that everything else is the real thing.

import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import manifest from "./package.json" with { type: "json" };

const AOE = resolve(import.meta.dir, "aoe.ts");
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-cli-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function aoe(words: string[], options: { preload?: string; env?: Record<string, string> } = {}) {
  const run = Bun.spawnSync(commandLine(words, options.preload), {
    env: { ...process.env, ...options.env },
    stdin: "ignore",
  });
  return { exitCode: run.exitCode, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
}

let preloads = 0;

function commandLine(words: string[], preload?: string): string[] {
  if (preload === undefined) return [process.execPath, AOE, ...words];
  preloads += 1;
  const file = join(folder, `preload-${preloads}.ts`);
  writeFileSync(file, preload);
  return [process.execPath, "--preload", file, AOE, ...words];
}

/** A preload in which every command does `body` instead. */
function instead(body: string): string {
  const commander = Bun.resolveSync("commander", import.meta.dir);
  return `
    import { Command } from ${JSON.stringify(commander)};
    Command.prototype.parseAsync = async function () { ${body} };
  `;
}

const LOADED = `process.on("exit", () => {
  console.error(JSON.stringify(Object.keys(require.cache)));
});`;

describe("help", () => {
  test("shows every subcommand in one line, and loads none of them", () => {
    const run = aoe(["--help"], { preload: LOADED });
    expect(run.exitCode).toBe(0);
    for (const name of ["target", "initiator", "bench", "lab", "decode"]) {
      expect(run.stdout).toMatch(new RegExp(`^  ${name} +[a-z].+$`, "m"));
    }
    const loaded = (JSON.parse(run.stderr) as string[])
      .filter((path) => path.startsWith(import.meta.dir) && !path.includes("/node_modules/"))
      .map((path) => path.slice(import.meta.dir.length + 1))
      .sort();
    expect(loaded).toEqual([
      "aoe.ts",
      "package.json",
      "words/failure.ts",
      "words/printable.ts",
      "words/signals.ts",
    ]);
  });

  test("a named subcommand loads its directory and no other", () => {
    const run = aoe(["lab", "--help"], { preload: LOADED });
    expect(run.exitCode).toBe(0);
    const loaded = (JSON.parse(run.stderr) as string[]).filter(
      (path) => path.startsWith(import.meta.dir) && !path.includes("/node_modules/"),
    );
    expect(loaded.some((path) => path.endsWith("/lab/commands.ts"))).toBe(true);
    expect(loaded.some((path) => /\/(target|initiator|wire|link|sys\/(?!root))/.test(path))).toBe(
      false,
    );
  });

  test("the version is the package's", () => {
    expect(aoe(["--version"])).toEqual({
      exitCode: 0,
      stdout: `${manifest.version}\n`,
      stderr: "",
    });
  });
});

describe("usage errors exit 2, in a sentence, without a stack", () => {
  const rows: [string[], RegExp][] = [
    [[], /^Usage: aoe/],
    [["frobnicate"], /^error: unknown command 'frobnicate'\n$/],
    [["--frobnicate"], /^error: unknown option '--frobnicate'\n$/],
    [["tarrget"], /^error: unknown command 'tarrget'\n\(Did you mean target\?\)\n$/],
    [["lab", "--frobnicate", "--", "true"], /^error: unknown option '--frobnicate'\n$/],
    [["lab", "late", "--frobnicate"], /^error: unknown option '--frobnicate'\n$/],
    [["lab", "--mtu"], /^error: option '--mtu <bytes>' argument missing\n$/],
  ];
  for (const [words, sentence] of rows) {
    test(`aoe ${words.join(" ")}`.trimEnd(), () => {
      const run = aoe(words);
      expect(run.stderr).toMatch(sentence);
      expect([run.exitCode, run.stdout]).toEqual([2, ""]);
    });
  }
});

test("a word that is not UTF-8 is refused: Bun would make another name of it", () => {
  const image = join(folder, "caf");
  const line = `exec "$@" decode "$(printf '%s\\351.pcap' ${image})"`;
  const run = Bun.spawnSync(["sh", "-c", line, "sh", ...commandLine([])]);
  expect([run.exitCode, run.stderr.toString()]).toEqual([
    2,
    `Expected every word to be UTF-8, got \`${image}\\xe9.pcap\`\n`,
  ]);
});

describe("how a command ends", () => {
  test("a failure is its sentence and its code", () => {
    const { stderr, exitCode, stdout } = aoe(["lab"]);
    expect(stderr).toBe("Nothing to run: `aoe lab [options] -- COMMAND…` needs a command.\n");
    expect([exitCode, stdout]).toEqual([2, ""]);
  });

  test("a fault of ours is one line, with AOE_DEBUG=1 the stack", () => {
    for (const body of [
      'throw new Error("boom\\nand more");',
      'setTimeout(() => { throw new Error("boom\\nand more"); }); await Bun.sleep(5000);',
      'Promise.reject(new Error("boom\\nand more")); await Bun.sleep(5000);',
    ]) {
      const plain = aoe(["lab"], { preload: instead(body), env: { AOE_DEBUG: "" } });
      expect(plain.stderr).toBe(
        "aoe: boom and more (a fault in this program; AOE_DEBUG=1 shows where)\n",
      );
      expect(plain.exitCode).toBe(1);
      const debug = aoe(["lab"], { preload: instead(body), env: { AOE_DEBUG: "1" } });
      expect(debug.stderr).toStartWith("aoe: boom and more\n");
      expect(debug.stderr).toContain("    at ");
      expect(debug.exitCode).toBe(1);
    }
  });

  test("SIGHUP is 129, SIGINT 130 and SIGTERM 143 where the command doesn't handle them", async () => {
    for (const [signal, code] of [
      ["SIGHUP", 129],
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const child = Bun.spawn(
        commandLine(["lab"], instead('process.stdout.write("ready"); await Bun.sleep(20000);')),
        { stdout: "pipe" },
      );
      await child.stdout.getReader().read();
      child.kill(signal);
      await child.exited;
      expect([child.exitCode, child.signalCode]).toEqual([code, null]);
    }
  });

  test("SIGHUP that was ignored at the start, as by nohup, stays ignored", async () => {
    const body = 'process.stdout.write("ready"); await Bun.sleep(20000);';
    const child = Bun.spawn(
      ["sh", "-c", `trap '' HUP; exec "$@"`, "sh", ...commandLine(["lab"], instead(body))],
      { stdout: "pipe" },
    );
    await child.stdout.getReader().read();
    child.kill("SIGHUP");
    await Bun.sleep(200);
    expect(child.exitCode).toBeNull();
    child.kill("SIGTERM");
    await child.exited;
    expect(child.exitCode).toBe(143);
  });

  test("a command that handles a signal decides by itself", async () => {
    const body = `
      const asked = new Promise((resolve) => process.on("SIGTERM", resolve));
      process.stdout.write("ready");
      await asked;
      process.exitCode = 0;
      process.exit();
    `;
    const child = Bun.spawn(commandLine(["lab"], instead(body)), { stdout: "pipe" });
    await child.stdout.getReader().read();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("a closed stdout ends it quietly", () => {
    const body = 'for (;;) { process.stdout.write("line\\n"); await Bun.sleep(0); }';
    const run = Bun.spawnSync([
      "bash",
      "-c",
      // The shell's own: what the program ended with, left of the pipe.
      `"$@" | head -n 1; echo "$\{PIPESTATUS[0]}"`,
      "bash",
      ...commandLine(["lab"], instead(body)),
    ]);
    expect(run.stdout.toString()).toBe("line\n141\n");
    expect(run.stderr.toString()).toBe("");
  });

  test("a closed stderr ends nothing", async () => {
    const body = `
      process.stdout.write("ready");
      for (let line = 0; line < 50; line++) { process.stderr.write("line\\n"); await Bun.sleep(1); }
      process.exitCode = 4;
    `;
    // The other end of the pipe is gone by the first line.
    const words = ["bash", "-c", '"$@" 2> >(:)', "bash", ...commandLine(["lab"], instead(body))];
    const run = Bun.spawnSync(words);
    expect([run.exitCode, run.stdout.toString()]).toEqual([4, "ready"]);
    const full = openSync("/dev/full", "w");
    try {
      const over = Bun.spawnSync(commandLine(["lab"], instead(body)), { stderr: full });
      expect([over.exitCode, over.stdout.toString()]).toEqual([4, "ready"]);
    } finally {
      closeSync(full);
    }
  });

  test("a full disk under stdout is the environment's failure, told in one sentence", () => {
    const full = openSync("/dev/full", "w");
    try {
      const run = Bun.spawnSync(commandLine(["--help"]), { stdout: full, stderr: "pipe" });
      expect(run.stderr.toString()).toMatch(/^Cannot write standard output: .*no space left.*\n$/);
      expect(run.exitCode).toBe(5);
    } finally {
      closeSync(full);
    }
  });
});
