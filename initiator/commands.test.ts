// What the command line refuses, before anything is opened: one sentence, the right code, no stack.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runChild } from "../bench/machine/child.ts";

const AOE = resolve(import.meta.dir, "../aoe.ts");

async function run(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return runChild([process.execPath, AOE, "initiator", ...words]);
}

const NOWHERE = ["-i", "nosuch0"];

const REFUSED: readonly [words: string[], code: number, sentence: string | RegExp][] = [
  [
    ["discover"],
    2,
    /^Expected `--interface` to be given(: up here (is|are) .+|, and no Ethernet interface is up here: `ip link` shows all)\n$/,
  ],
  [
    ["discover", "-i", "a0", "-i", "a0"],
    2,
    "Expected `--interface` to be a different one each time, got `a0 a0`\n",
  ],
  [["discover", ...NOWHERE], 5, /^[^\n]*nosuch0[^\n]*\n$/],
  [["discover", ...NOWHERE, "--wait", "3"], 2, /^Expected `--wait` to be a duration.*got `3`\n$/],
  [
    ["discover", ...NOWHERE, "--kick", "0ms"],
    2,
    /^Expected `--kick` to be .*on-release, got `0ms`\n$/,
  ],
  [
    ["discover", ...NOWHERE, "--pool", "heap"],
    2,
    /^Expected `--pool` to be one of fixed, .*got `heap`\n$/,
  ],
  [["discover", ...NOWHERE, "--faults", "tx:lose:1%"], 2, /^[^\n]*--faults[^\n]*\n$/],
  [["discover", ...NOWHERE, "--reclaim", "never"], 2, /^[^\n]*--reclaim[^\n]*\n$/],
  [
    ["discover", ...NOWHERE, "--window", "0"],
    2,
    "Expected `--window` to be an integer between 1 and 65535, got `0`\n",
  ],
  [
    ["info", "e65535.0", ...NOWHERE],
    2,
    /^Expected `device` to be an address eSHELF\.SLOT .*got `e65535\.0`\n$/,
  ],
  [["info", "7.3", ...NOWHERE], 2, /^Expected `device` to be an address .*got `7\.3`\n$/],
  [["read", "e7.3", ...NOWHERE], 2, /required option '-o, --output <file>'/],
  [
    ["read", "e7.3", "-o", "-", ...NOWHERE, "--bs", "1000"],
    2,
    "Expected `--bs` to be a multiple of 512 bytes, got `1000`\n",
  ],
  [
    ["read", "e7.3", "-o", "-", ...NOWHERE, "--iodepth", "0"],
    2,
    "Expected `--iodepth` to be an integer between 1 and 65536, got `0`\n",
  ],
  [
    ["read", "e7.3", "-o", "-", ...NOWHERE, "--iodepth", "17", "--bs", "64m"],
    2,
    "Expected `--iodepth` × `--bs` to be at most 1g, got 17 × 67108864 bytes\n",
  ],
  // As much as is allowed: what is refused then is the interface.
  [["read", "e7.3", "-o", "-", ...NOWHERE, "--iodepth", "16", "--bs", "64m"], 5, /nosuch0/],
  [
    ["read", "e7.3", "-o", "-", ...NOWHERE, "--offset", "131072t", "--size", "512"],
    2,
    "Expected `--offset` to be a whole number of bytes below 2^53, got `131072t`\n",
  ],
  [
    ["write", "e7.3", "/no/such/file", ...NOWHERE],
    5,
    "Can't read /no/such/file: no such file or directory\n",
  ],
  [["verify", "e7.3", ...NOWHERE], 2, "Expected either a file or `--sha256` to compare with\n"],
  [
    ["verify", "e7.3", "--sha256", "12", ...NOWHERE],
    2,
    "Expected `--sha256` to be 64 hexadecimal digits, got `12`\n",
  ],
  [["format", "e7.3"], 2, /unknown command 'format'/],
  [
    ["copy", "e7.3", "e7.4", ...NOWHERE],
    2,
    "Expected one of the two to be a device such as e7.3 and the other a file, got `e7.3` and `e7.4`\n",
  ],
  [
    ["copy", "a", "b", ...NOWHERE],
    2,
    /^Expected one of the two to be a device .*got `a` and `b`\n$/,
  ],
  [
    ["copy", "e7.3", "out", "--resume", "5", ...NOWHERE],
    2,
    /^Expected `--resume` to be without a number here.*got `5`\n$/,
  ],
  [
    ["copy", "e7.3", "out", "--skip-zeros", ...NOWHERE],
    2,
    "`--skip-zeros` is for copies onto a device\n",
  ],
  [
    ["copy", "in", "e7.3", "--resume", ...NOWHERE],
    2,
    /^Expected `--resume` to be the number of bytes/,
  ],
  [
    ["ping", "e7.3", "-c", "0", ...NOWHERE],
    2,
    "Expected `--count` to be an integer >= 1, got `0`\n",
  ],
  [["ping", "e7.3", "--interval", "1", ...NOWHERE], 2, /^Expected `--interval` to be a duration/],
  [["config", "e7.3", "set", ...NOWHERE], 2, "`config set` needs a string\n"],
  [["config", "e7.3", "read", "x", ...NOWHERE], 2, "`config read` takes no string\n"],
  [["config", "e7.3", "wipe", ...NOWHERE], 2, /Allowed choices are read, test, prefix, set, force/],
  [
    ["config", "e7.3", "set", "abc", "--hex", ...NOWHERE],
    2,
    "Expected the string to be pairs of hexadecimal digits, got `abc`\n",
  ],
  [["mask", "e7.3", "add", ...NOWHERE], 2, "`mask add` needs at least one address\n"],
  [
    ["mask", "e7.3", "add", "02:00", ...NOWHERE],
    2,
    "Expected `mac` to be an address such as 02:00:00:00:00:a0, got `02:00`\n",
  ],
  [
    ["reserve", "e7.3", "release", "02:00:00:00:00:a0", ...NOWHERE],
    2,
    "`reserve release` takes no address\n",
  ],
  [
    ["read", "e7.3", "-o", "-", ...NOWHERE, "--lane-ring", "1m"],
    2,
    "Expected `--lane-ring` to be given only with --write-lane, got `1m`\n",
  ],
  [
    ["read", "e7.3", "-o", "-", ...NOWHERE, "--receive-ring", "1"],
    2,
    "Expected `--receive-ring` to be between 4k and 1g, got `1`\n",
  ],
  [
    ["read", "e7.3", "-o", "-", ...NOWHERE, "--xdp", "maybe"],
    2,
    "Expected `--xdp` to be one of auto, on, off, got `maybe`\n",
  ],
  [
    ["read", "e7.3", "-o", "-", ...NOWHERE, "--xdp", "on", "--link", "ring"],
    2,
    "Expected `--xdp` to be auto or off with --link ring, which sends from its own memory, got `on`\n",
  ],
  [["discover", "--fast"], 2, /unknown option '--fast'/],
];

describe("refused in one sentence", () => {
  for (const [words, code, sentence] of REFUSED) {
    test.concurrent(words.join(" "), async () => {
      const ended = await run(...words);
      expect(ended.stderr).toMatch(
        sentence instanceof RegExp ? sentence : new RegExp(`^${literal(sentence)}$`),
      );
      expect([ended.code, ended.stdout]).toEqual([code, ""]);
      expect(ended.stderr).not.toContain("    at ");
    });
  }

  test("a FIFO is refused, and not waited for", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-fifo-"));
    try {
      const fifo = join(folder, "fifo");
      expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
      for (const words of [
        ["write", "e7.3", fifo],
        ["verify", "e7.3", fifo],
        ["copy", fifo, "e7.3"],
      ]) {
        const { code, stderr } = await run(...words, ...NOWHERE);
        expect([code, stderr]).toEqual([
          5,
          `Can't read ${fifo}: it is neither a file nor a disk\n`,
        ]);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("an image that is empty or no multiple of 512 bytes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-commands-"));
    try {
      for (const bytes of [0, 513]) {
        const file = join(folder, `image${bytes}`);
        writeFileSync(file, new Uint8Array(bytes));
        const { code, stderr } = await run("write", "e7.3", file, ...NOWHERE);
        expect(stderr).toBe(
          `Expected ${file} to hold a multiple of 512 bytes and not to be empty, got ${bytes} bytes\n`,
        );
        expect(code).toBe(2);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
