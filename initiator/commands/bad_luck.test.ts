// Bad input and bad luck: one sentence each, the right exit code, and nothing half-written that looks whole. One table
// of all of them, and one lab for it: hence its length.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { testsInLab } from "../../testing/suites/in_lab.ts";
import { findProgram } from "../../lab/programs.ts";

const AOE = resolve(import.meta.dir, "../../aoe.ts");
const MIB = 1 << 20;
const BYTES = 4 * MIB;
/** What makes 1,024 requests of 4 KiB last two seconds, so that something can happen meanwhile. */
const SLOW = ["--bs", "4k", "--iodepth", "2", "--faults", "rx:delay:4ms"];

/** A busy machine may take its time; a later --wait counts. */
function patient(command: string): string[] {
  return command === "discover" || command === "ping" ? [] : ["--wait", "5s"];
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Row {
  readonly name: string;
  readonly words: readonly string[];
  readonly code: number;
  readonly stderr: RegExp;
}

testsInLab(import.meta.path, { mtu: 9000 }, () => {
  let folder = "";
  const at = (name: string): string => join(folder, name);
  const image = new Uint8Array(BYTES);
  const targets = new Map<string, Bun.Subprocess>();

  function serve(name: string, slot: number, ...options: string[]): void {
    const words = [AOE, "target", ...options, "7", `${slot}`, "b0", at(name)];
    const child = Bun.spawn([process.execPath, ...words], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    targets.set(name, child);
  }

  function start(
    command: string,
    ...words: string[]
  ): {
    child: Bun.Subprocess<"ignore", "pipe", "pipe">;
    ended: Promise<Ended>;
  } {
    const child = Bun.spawn(
      [process.execPath, AOE, "initiator", command, ...patient(command), ...words, "-i", "a0"],
      {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      },
    );
    const ended = (async () => {
      const [stdout, stderr] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      return { code: await child.exited, stdout, stderr };
    })();
    return { child, ended };
  }
  const run = (command: string, ...words: string[]): Promise<Ended> =>
    start(command, ...words).ended;

  async function until(holds: () => boolean): Promise<void> {
    for (let tries = 0; !holds(); tries++) {
      if (tries === 2000) throw new Error("it never came to that");
      await Bun.sleep(5);
    }
  }
  const lengthOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "aoe-luck-"));
    for (let byte = 0; byte < BYTES; byte++) image[byte] = (byte * 7 + (byte >> 11)) & 0xff;
    writeFileSync(at("image"), image);
    writeFileSync(at("disk"), image);
    writeFileSync(at("other"), new Uint8Array(MIB));
    writeFileSync(at("exists"), "of somebody's");
    writeFileSync(at("odd"), new Uint8Array(1000));
    writeFileSync(at("long"), new Uint8Array(2 * MIB));
    mkdirSync(at("full"));
    const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", at("full")]);
    expect([mount.exitCode, mount.stderr.toString()]).toEqual([0, ""]);
    serve("disk", 3);
    serve("other", 4);
    for (let tries = 0; tries < 50; tries++) {
      const { stdout } = await run("discover", "--json", "--wait", "100ms");
      if (stdout.includes("e7.3") && stdout.includes("e7.4")) return;
    }
    throw new Error("the targets do not answer");
  });
  afterEach(() => targets.get("disk")?.kill("SIGCONT"));
  afterAll(async () => {
    for (const child of targets.values()) child.kill("SIGKILL");
    Bun.spawnSync(["umount", at("full")]);
    rmSync(folder, { recursive: true, force: true });
  });

  const rows = (): readonly Row[] => [
    {
      name: "an unknown device: what was discovered instead",
      words: ["info", "e7.9", "--wait", "1s"],
      code: 6,
      stderr: /^e7\.9 did not answer within 1 s; e7\.3 and e7\.4 did\n$/,
    },
    {
      name: "read: the output file exists",
      words: ["read", "e7.3", "-o", at("exists")],
      code: 2,
      stderr: /^\S*exists exists; give --force to replace it\n$/,
    },
    {
      name: "copy: the image exists",
      words: ["copy", "e7.3", at("exists")],
      code: 2,
      stderr: /^\S*exists exists; give --force to replace it\n$/,
    },
    {
      name: "read: the disk is full",
      words: ["read", "e7.3", "-o", at("full/out")],
      code: 5,
      stderr: /^Can't write \S*full\/out: no space is left there, and nothing was kept\n$/,
    },
    {
      name: "copy: no such directory",
      words: ["copy", "e7.3", at("nosuch/out")],
      code: 5,
      stderr: /^Can't write \S*out\.aoe-part: no such file or directory\n$/,
    },
    {
      name: "read: no such directory, by the name that was given",
      words: ["read", "e7.3", "-o", at("nosuch/out")],
      code: 5,
      stderr: /^Can't write \S*nosuch\/out: no such file or directory\n$/,
    },
    ...[
      ["read", "e7.3", "-o", at("exists/out")] as const,
      ["copy", "e7.3", at("exists/out")] as const,
    ].map((words) => ({
      name: `${words[0]}: a file where a directory should be`,
      words,
      code: 5,
      stderr: /^Can't write \S*exists\/out: what should be its directory is a file\n$/,
    })),
    {
      name: "the capture's disk is full, and nothing is kept of the image",
      words: ["read", "e7.3", "-o", at("never"), "--capture", "/dev/full"],
      code: 5,
      stderr: /^Can't write the capture \/dev\/full: no space is left there\n$/,
    },
    {
      name: "write: an image that is no multiple of a sector",
      words: ["write", "e7.3", at("odd")],
      code: 2,
      stderr:
        /^Expected \S*odd to hold a multiple of 512 bytes and not to be empty, got 1000 bytes\n$/,
    },
    {
      name: "write: an image shorter than --size",
      words: ["write", "e7.3", at("other"), "--size", "2m"],
      code: 2,
      stderr: /^Expected `--size` to be at most the 1048576 bytes of \S*other, got `2097152`\n$/,
    },
    {
      name: "copy: an image longer than the device",
      words: ["copy", at("long"), "e7.4"],
      code: 2,
      stderr:
        /^Expected the file to end within e7\.4, 1048576 bytes, got 2097152 bytes from byte 0 on\n$/,
    },
    {
      name: "read: beyond the end",
      words: ["read", "e7.4", "-o", at("never"), "--offset", "1m"],
      code: 2,
      stderr: /^Expected `--offset` to be within e7\.4, 1048576 bytes, got `1048576`\n$/,
    },
    {
      name: "read: over the end",
      words: ["read", "e7.4", "-o", at("never"), "--offset", "512k", "--size", "1m"],
      code: 2,
      stderr:
        /^Expected `--size` to end within e7\.4, 1048576 bytes, got 1048576 bytes from byte 524288 on\n$/,
    },
    {
      name: "copy: nothing to go on with",
      words: ["copy", "e7.3", at("never"), "--resume"],
      code: 2,
      stderr: /^There is nothing to go on with: \S*never\.aoe-part does not exist\n$/,
    },
    {
      name: "ping: nothing comes back",
      words: [
        "ping",
        "e7.3",
        "-c",
        "2",
        "--interval",
        "10ms",
        "--timeout",
        "50ms",
        "--faults",
        "rx:drop:100%",
      ],
      code: 6,
      stderr: /^e7\.3 did not answer within 1 s; no other device did either\n$/,
    },
  ];

  describe("one sentence and the right exit code", () => {
    for (const [index, { name }] of rows().entries()) {
      test.concurrent(name, async () => {
        const row = rows()[index] as Row;
        const ended = await run(...(row.words as [string, ...string[]]));
        expect(ended.stderr).toMatch(row.stderr);
        expect(ended.code).toBe(row.code);
      });
    }

    test("and nothing is left of any of them", () => {
      const names = readdirSync(folder).sort();
      expect(names).toEqual(["disk", "exists", "full", "image", "long", "odd", "other"]);
      expect(readFileSync(at("exists"), "utf8")).toBe("of somebody's");
      expect(readdirSync(at("full"))).toEqual([]);
      expect(readFileSync(at("disk")).equals(image)).toBe(true);
    });
  });

  describe("copy, when it breaks off", () => {
    const sentence =
      /^e7\.3 can't (read|write) sectors? [\d to]+: no answer within \S+ m?s \(\d+ frames? sent\); (\d+) of 4194304 bytes were copied: (--resume.*)\n$/;

    test("the device vanishes while it is read: how much is there, and --resume goes on to the very image", async () => {
      const out = at("vanished");
      const { ended } = start("copy", "e7.3", out, ...SLOW, "--timeout", "500ms");
      await until(() => lengthOf(`${out}.aoe-part`) > 65_536);
      targets.get("disk")?.kill("SIGSTOP");
      const first = await ended;
      const [, , copied = "", how = ""] = sentence.exec(first.stderr) ?? [first.stderr];
      expect(first.code).toBe(1);
      expect(Number(copied)).toBeWithin(4096, BYTES);
      expect(how).toBe(`--resume continues ${out}.aoe-part`);
      expect(readdirSync(folder)).not.toContain("vanished");
      const part = readFileSync(`${out}.aoe-part`);
      expect(part.length).toBe(Number(copied));
      expect(part.equals(image.subarray(0, part.length))).toBe(true);
      targets.get("disk")?.kill("SIGCONT");
      const without = await run("copy", "e7.3", out);
      expect([without.code, without.stderr]).toEqual([
        2,
        `${out}.aoe-part is from an earlier copy; give --resume to continue it, or --force to start again\n`,
      ]);
      const again = await run("copy", "e7.3", out, "--resume", "--json");
      expect(again.code).toBe(0);
      expect(JSON.parse(again.stdout).bytes).toBe(BYTES - Number(copied));
      expect(readFileSync(out).equals(image)).toBe(true);
      expect(readdirSync(folder)).not.toContain("vanished.aoe-part");
    }, 60_000);

    test("the device vanishes while it is written: every byte before the one named is there", async () => {
      const fresh = image.map((byte) => byte ^ 0xff);
      writeFileSync(at("fresh"), fresh);
      const { ended } = start("copy", at("fresh"), "e7.3", ...SLOW, "--timeout", "500ms");
      await until(() => readFileSync(at("disk"))[65_536] === fresh[65_536]);
      targets.get("disk")?.kill("SIGSTOP");
      const first = await ended;
      const [, , copied = "", how = ""] = sentence.exec(first.stderr) ?? [first.stderr];
      expect([first.code, how]).toEqual([1, `--resume ${copied} continues`]);
      const whole = Number(copied);
      expect(whole).toBeWithin(4096, BYTES);
      targets.get("disk")?.kill("SIGCONT");
      await Bun.sleep(50);
      expect(readFileSync(at("disk")).subarray(0, whole).equals(fresh.subarray(0, whole))).toBe(
        true,
      );
      const again = await run("copy", at("fresh"), "e7.3", "--resume", copied, "--json");
      expect(JSON.parse(again.stdout).bytes).toBe(BYTES - whole);
      expect(readFileSync(at("disk")).equals(fresh)).toBe(true);
    }, 60_000);

    test("Ctrl-C: the same, exit code 130", async () => {
      const out = at("interrupted");
      const { child, ended } = start("copy", "e7.3", out, ...SLOW);
      await until(() => lengthOf(`${out}.aoe-part`) > 65_536);
      child.kill("SIGINT");
      const { code, stderr } = await ended;
      expect(code).toBe(130);
      const said =
        /^Interrupted; (\d+) of 4194304 bytes were copied: --resume continues (\S+)\n$/.exec(
          stderr,
        );
      expect([stderr, said?.[2]]).toEqual([stderr, `${out}.aoe-part`]);
      expect(readFileSync(`${out}.aoe-part`).length).toBe(Number(said?.[1]));
      expect((await run("copy", "e7.3", out, "--resume")).code).toBe(0);
      expect(readFileSync(out).equals(readFileSync(at("disk")))).toBe(true);
    }, 60_000);

    test("the disk is full: one sentence, and what is there does not look whole", async () => {
      const { code, stderr } = await run("copy", "e7.3", at("full/out"));
      expect(code).toBe(5);
      expect(stderr).toMatch(
        /^Can't write \S*full\/out\.aoe-part: no space is left there; \d+ of 4194304 bytes were copied: --resume continues \S*out\.aoe-part\n$/,
      );
      expect(readdirSync(at("full"))).toEqual(["out.aoe-part"]);
    });

    test("the image is cut while it is read", async () => {
      writeFileSync(at("shrinks"), new Uint8Array(BYTES).fill(0x3c));
      const { ended } = start("copy", at("shrinks"), "e7.3", ...SLOW);
      await until(() => readFileSync(at("disk"))[65_536] === 0x3c);
      truncateSync(at("shrinks"), 512);
      const { code, stderr } = await ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^\S*shrinks ends at byte \d+: it was cut while it was read; \d+ of 4194304 bytes were copied: --resume \d+ continues\n$/,
      );
    });
  });

  const vblade = findProgram("vblade");
  test.skipIf(vblade === null)(
    "a buffer count of 1: said, and taken as 2 (vblade -b 1; skipped without vblade)",
    async () => {
      const child = Bun.spawn([vblade as string, "-b", "1", "7", "5", "b0", at("other")], {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
      });
      targets.set("vblade", child);
      const { code, stderr, stdout } = await run(
        "read",
        "e7.5",
        "-o",
        at("one"),
        "--json",
        "--wait",
        "5s",
      );
      expect([code, stderr]).toEqual([
        0,
        "e7.5 announces a buffer count of 1, which is taken as 2\n",
      ]);
      expect(JSON.parse(stdout).stats.buffer_count).toBe(2);
      expect(readFileSync(at("one")).length).toBe(MIB);
    },
  );

  const macvlan = (): boolean => {
    const ip = findProgram("ip") ?? "ip";
    const words = "link add link b0 name m0 type macvlan mode bridge";
    if (Bun.spawnSync([ip, ...words.split(" ")]).exitCode !== 0) return false;
    return Bun.spawnSync([ip, "link", "set", "m0", "up"]).exitCode === 0;
  };

  test("two targets that claim one address: both MACs are named, and the copy is of the first", async () => {
    if (!macvlan()) {
      console.log(
        "skipped: this kernel has no macvlan (claims.test.ts shows it under the virtual clock)",
      );
      return;
    }
    const words = [AOE, "target", "7", "3", "m0", at("long")];
    const second = Bun.spawn([process.execPath, ...words], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    targets.set("second", second);
    let said = "";
    for (let tries = 0; tries < 20 && !said.includes("claimed"); tries++) {
      said = (await run("discover", "--wait", "300ms")).stderr;
    }
    second.kill("SIGKILL");
    expect(said).toMatch(
      /^e7\.3 is claimed by two targets: (\S+) \(serial AoE-\w{16}, \d+ sectors\) and (\S+) \(serial AoE-\w{16}, \d+ sectors\); only \1 is used$/m,
    );
    expect(said).toContain("02:00:00:00:00:b0");
  });
});
