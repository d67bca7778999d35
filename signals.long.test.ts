// Each command and each signal that ends one: it ends soon, by the exit code of words/signals.ts, leaves no file and no
// process behind, and keeps what it has finished where -o says.
//
// All of it in one lab with a target at b0, where a command lasts long by what it is asked to do.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Command } from "commander";

import { benchCommand } from "./bench/commands.ts";
import { labCommand } from "./lab/commands.ts";
import { insideLabTests, testsInLab } from "./testing/suites/in_lab.ts";
import { findProgram } from "./lab/programs.ts";
import { initiatorCommand } from "./initiator/commands.ts";
import { decodeCommand } from "./decode/decode.ts";
import { targetCommand } from "./target/commands.ts";
import { testingCommands } from "./testing/commands.ts";
import { SIGNALS } from "./words/signals.ts";

const AOE = join(import.meta.dir, "aoe.ts");
const LONG = "30s";

interface Case {
  /** Behind `aoe`; FOLDER is the test's own. */
  readonly words: string;
  /**
   * It is well under way when it has said this, on either stream, or has made this in FOLDER, or so many ms after its
   * start.
   */
  readonly when: string | RegExp | number;
  /** In place of the signal's own code. */
  readonly code?: number;
  /** What is to be found in FOLDER afterwards. */
  readonly left?: readonly string[];
  readonly needs?: string;
  readonly check?: (folder: string) => void;
}

const cutShort = (key: string, file: string) => (folder: string) => {
  const result = JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>;
  expect(result["cut_short"]).toBe(true);
  expect(result).toHaveProperty(key);
};

/** By the names of commands; several words are one of several ways that a command may last. */
const CASES: readonly Case[] = [
  {
    words: "target 7 5 b0 FOLDER/own.img --create 1m --control FOLDER/c",
    when: "serves",
    code: 0,
    left: ["own.img"],
  },
  { words: "target top --socket CONTROL", when: 500 },
  { words: "initiator discover --interface a0 --wait 30s", when: 500 },
  ...["info", "config", "path"].map((name) => ({
    words: `initiator ${name} e9.9 --interface a0 --wait 30s`,
    when: 500,
  })),
  { words: "initiator mask e9.9 --interface a0 --wait 30s", when: 500 },
  { words: "initiator reserve e9.9 --interface a0 --wait 30s", when: 500 },
  { words: "initiator ping e7.3 --interface a0 --interval 20ms", when: "seq=3", code: 0 },
  { words: "initiator read e7.4 -o FOLDER/read.img --interface a0 --window 1", when: /read/ },
  { words: "initiator write e7.4 IMAGE --interface a0 --window 1", when: 1000 },
  { words: "initiator verify e7.4 IMAGE --interface a0 --window 1", when: 1000 },
  {
    words: "initiator copy e7.4 FOLDER/copy.img --interface a0 --window 1",
    when: /^copy/,
    left: ["copy.img.aoe-part"],
  },
  { words: "initiator nbd e7.3 --socket FOLDER/nbd --interface a0", when: "Serving", code: 0 },
  { words: `bench load e7.3 --interface a0 --runtime ${LONG}`, when: 1500 },
  { words: `bench conform e9.9 --interface a0 --yes-scratch --wait ${LONG}`, when: "Listening" },
  {
    words:
      "bench run fixtures/jobs/smoke.toml --set runtime=300ms --set warm_up=10ms --set trials=200 --set floor=off -o FOLDER/run.json",
    when: "1/",
    left: ["run.json"],
    check: cutShort("cells", "run.json"),
  },
  {
    words: "bench run fixtures/jobs/smoke.toml --set link=virtual --set runtime=20s --set trials=9",
    when: 1500,
  },
  { words: "bench compare --noise fixtures/jobs/smoke.toml --set runtime=3s", when: 1500 },
  {
    words: "bench search cap fixtures/jobs/smoke.toml --set pool=scan-swap --set runtime=3s",
    when: 1500,
  },
  {
    words: "bench prove equal --job fixtures/jobs/smoke.toml --set pool=scan-swap --set runtime=3s",
    when: 1500,
  },
  {
    words: "bench reproduce -o FOLDER/claims.json",
    when: "E1 …",
    left: ["claims.json"],
    check: cutShort("claims", "claims.json"),
  },
  { words: "bench reproduce --only E6", when: 1500 },
  {
    words: "bench ab HEAD --only exact -o FOLDER/ab.json",
    when: "base ",
    left: ["ab.json"],
    check: cutShort("exact", "ab.json"),
    needs: "git",
  },
  { words: "bench history HEAD~1..HEAD --store FOLDER/history", when: 1500, needs: "git" },
  { words: "bench bisect HEAD~1 HEAD --store FOLDER/history", when: 1500, needs: "git" },
  {
    words:
      "bench peers --parts cells --arms ours --bs 4k --iodepth 16 --rounds 99 --runtime 200ms --warm-up 100ms -o FOLDER/peers.json",
    when: "1/",
    left: ["peers.json"],
    check: cutShort("trials", "peers.json"),
    needs: "taskset",
  },
  { words: "bench peers --parts idle --arms ours", when: 1500, needs: "taskset" },
  {
    words: "bench pins a0 --link ring --runtime 30s -o FOLDER/pins.json",
    when: 1500,
    left: ["pins.json"],
    check: cutShort("links", "pins.json"),
  },
  {
    words: "bench growth --rounds 99 --axis exports --runtime 200ms -o FOLDER/growth.json",
    when: "/",
    left: ["growth.json"],
    check: cutShort("trials", "growth.json"),
  },
  {
    words: "bench whole cold-start --runs 1000 -o FOLDER/whole.json",
    when: "cold-start",
    left: ["whole.json"],
    check: cutShort("comparisons", "whole.json"),
    needs: "hyperfine",
  },
  { words: "bench whole --runs 100", when: 1000, needs: "hyperfine" },
  { words: "bench fuzz --seconds 99", when: 1500 },
  { words: "bench faults --commands 100000000", when: 1500 },
  { words: "bench soak flat --seconds 99", when: 2500 },
  { words: "bench sim --seeds 1000000", when: 1500 },
  { words: "bench sim --golden", when: 1000 },
  { words: "bench sim --speed", when: 1000 },
  { words: "lab -- sleep 30", when: 1000 },
  { words: "lab late pulse 1ms every 5ms", when: 5000, code: 0 },
  { words: "decode -", when: 800 },
  { words: "decode --interface a0", when: 5000, code: 0 },
  { words: "initiator discover --watch --interface a0 --wait 600ms", when: "e7.3" },
];

/** Commands that are over within a moment, whatever they are asked. */
const SHORT = [
  "target ctl",
  "bench parts",
  // Until its stdin ends, or its hosts have answered.
  "bench host",
  "bench hosts",
  "bench doctor",
  "bench merge",
  "bench schema",
  "bench report",
  "bench export",
  "lab guest",
  "lab late hold",
  "lab late release",
  "lab late drop",
];

/** Names of all commands that do something. */
function leaves(command: Command, before: readonly string[] = []): string[] {
  const name = [...before, command.name()];
  const below = command.commands.flatMap((child) => leaves(child, name));
  const does = command.commands.length === 0 || ["target", "lab"].includes(name.join(" "));
  return [...(does ? [name.join(" ")] : []), ...below];
}

if (!insideLabTests) {
  test("every command is tried with every signal, or is over within a moment", () => {
    const directories = [
      targetCommand(),
      initiatorCommand(),
      benchCommand(),
      labCommand(),
      decodeCommand(),
    ];
    const tried = (name: string): boolean =>
      SHORT.includes(name) || CASES.some(({ words }) => `${words} `.includes(`${name} `));
    const names = directories.flatMap((directory) => leaves(directory));
    const hidden = testingCommands().flatMap((command) => leaves(command, ["bench"]));
    expect([...names, ...hidden].filter((name) => !tried(name))).toEqual([]);
  });
}

const ours = (): string[] => readdirSync("/dev/shm").filter((name) => name.startsWith("aoe-"));
/** What a process that was killed earlier has left is nobody's fault here. */
const before = ours();

/** Against a hang: a machine that is busy is slow, and a command that goes on for as long does not end soon. */
const SOON = 10_000;
const AT_ONCE = 6;

testsInLab(import.meta.path, { mtu: 1500, late: true }, () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-signals-"));
  const image = join(folder, "image");
  const control = join(folder, "control");
  let target: Bun.Subprocess | null = null;

  beforeAll(async () => {
    await Bun.write(image, new Uint8Array(1 << 20));
    const config = join(folder, "lab.toml");
    const text = ["3", "4"]
      .map((slot) => `[[export]]\naddress = "e7.${slot}"\nmemory = "1m"\n`)
      .join("");
    await Bun.write(
      config,
      `interfaces = ["b0"]\ncontrol = "${control}"\n${text}service = "delay:50ms"\n`,
    );
    target = Bun.spawn([process.execPath, AOE, "target", "--config", config], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    while (!existsSync(control)) await Bun.sleep(20);
  });

  afterAll(async () => {
    target?.kill("SIGKILL");
    await target?.exited;
    rmSync(folder, { recursive: true, force: true });
  });

  test("each ends soon, by its code, and leaves what it should and nothing else", async () => {
    const skipped = CASES.filter(({ needs }) => needs !== undefined && findProgram(needs) === null);
    for (const { words, needs } of skipped) console.log(`skipped: ${words} (no ${needs})`);
    const runs = CASES.filter((one) => !skipped.includes(one)).flatMap((one) =>
      Object.entries(SIGNALS).map(([signal, code]) => ({ one, signal, code })),
    );
    const wrong: string[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let index = next++; index < runs.length; index = next++) {
        const run = runs[index];
        if (run === undefined) return;
        const own = join(folder, `run-${index}`);
        const said = await tryOne(run.one, run.signal as keyof typeof SIGNALS, own);
        if (said !== null) wrong.push(`${run.signal} for ${run.one.words}: ${said}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(wrong).toEqual([]);
    // Other tests have folders there as well, which go when they end.
    let left = ours().filter((name) => !before.includes(name));
    for (let tries = 0; left.length > 0 && tries < 300; tries++) {
      await Bun.sleep(200);
      const now = ours();
      left = left.filter((name) => now.includes(name));
    }
    expect(left).toEqual([]);
  }, 400_000);

  /** What was wrong; null: nothing. */
  async function tryOne(
    { words, when, code, left = [], check }: Case,
    signal: keyof typeof SIGNALS,
    own: string,
  ): Promise<string | null> {
    const scratch = join(own, "tmp");
    mkdirSync(scratch, { recursive: true });
    mkdirSync(join(own, "kept"));
    const line = words
      .replaceAll("FOLDER", join(own, "kept"))
      .replaceAll("IMAGE", image)
      .replaceAll("CONTROL", control);
    const child = Bun.spawn([process.execPath, AOE, ...line.split(" ")], {
      cwd: import.meta.dir,
      env: { ...process.env, TMPDIR: scratch, AOE_BENCH_STATE: scratch, AOE_SIGNALS_RUN: own },
      stdin: words === "decode -" ? "pipe" : "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    let said = "";
    const heard = Promise.all(
      [child.stdout, child.stderr].map(async (stream) => {
        for await (const bytes of stream) said += new TextDecoder().decode(bytes);
      }),
    );
    const ready = new Promise<void>((resolve) => {
      if (typeof when === "number") setTimeout(resolve, when);
      else {
        const timer = setInterval(() => {
          const there =
            typeof when === "string"
              ? said.includes(when)
              : readdirSync(join(own, "kept")).some((name) => when.test(name));
          if (!there && child.exitCode === null) return;
          clearInterval(timer);
          resolve();
        }, 20);
      }
    });
    await Promise.race([ready, child.exited, Bun.sleep(60_000)]);
    if (child.exitCode !== null) return `was over before: ${child.exitCode} ${said}`;
    child.kill(signal);
    const over = await Promise.race([child.exited, Bun.sleep(SOON).then(() => null)]);
    child.kill("SIGKILL");
    await heard;
    if (over === null) return `did not end in ${SOON} ms: ${said.slice(-300)}`;
    const wanted = code ?? SIGNALS[signal];
    if (over !== wanted) return `ended with ${over}, not ${wanted}: ${said.slice(-300)}`;
    for (let tries = 0; processesOf(own).length > 0; tries++) {
      if (tries === 100) return `left processes: ${processesOf(own).join("; ")}`;
      await Bun.sleep(50);
    }
    if (readdirSync(scratch).length > 0) return `left ${readdirSync(scratch).join(" ")}`;
    const kept = readdirSync(join(own, "kept")).toSorted();
    if (kept.join() !== left.toSorted().join()) return `left ${kept.join(" ")}`;
    check?.(join(own, "kept"));
    return null;
  }

  /** Command lines of those that were started with this environment. */
  function processesOf(own: string): string[] {
    return readdirSync("/proc").flatMap((pid) => {
      if (!/^\d+$/.test(pid)) return [];
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
        if (!environment.includes(`AOE_SIGNALS_RUN=${own}\0`)) return [];
        return [readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ")];
      } catch {
        return [];
      }
    });
  }
});
