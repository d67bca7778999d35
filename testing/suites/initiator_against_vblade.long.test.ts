// Our initiator against Debian's vblade over a veth pair: discovery, whole images, MTU 1500 and 9000,
// read-only, masks, a restart in mid-load. Skipped, and said so, where vblade or labs are missing.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { testsInLab } from "./in_lab.ts";
import { findProgram } from "../../lab/programs.ts";

const AOE = resolve(import.meta.dir, "../../aoe.ts");
const vblade = findProgram("vblade");
const MIB = 1 << 20;

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function initiator(command: string, ...words: string[]): Promise<Ended> {
  // A busy machine may take its time; a later --wait counts.
  const wait = command === "discover" ? [] : ["--wait", "5s"];
  const child = Bun.spawn(
    [process.execPath, AOE, "initiator", command, ...wait, ...words, "--interface", "a0"],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  return { exitCode: child.exitCode, stdout, stderr };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** vblade serving `file` as e7.SLOT; ends with `kill`. */
function serve(slot: number, file: string, ...options: string[]) {
  return Bun.spawn([vblade as string, ...options, "7", `${slot}`, "b0", file], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
}

function define(frameSectors: number): void {
  let folder = "";
  let image = new Uint8Array(0);
  const children: ReturnType<typeof serve>[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "aoe-vblade-"));
    image = new Uint8Array(randomBytes(64 * MIB));
    writeFileSync(join(folder, "disk"), image);
    writeFileSync(join(folder, "small"), image.subarray(0, MIB));
    children.push(serve(3, join(folder, "disk")), serve(4, join(folder, "small"), "-r"));
    for (let tries = 0; tries < 50; tries++) {
      const { stdout } = await initiator("discover", "--json", "--wait", "200ms");
      if (stdout.includes("e7.3") && stdout.includes("e7.4")) return;
    }
    throw new Error("vblade does not answer");
  });
  afterAll(() => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  describe(`vblade, ${frameSectors} sectors a frame`, () => {
    test("discover lists both, by address, with sizes and what fits a frame", async () => {
      const { stdout } = await initiator("discover", "--json");
      const devices = JSON.parse(stdout);
      expect(devices.map(({ device }: { device: string }) => device)).toEqual(["e7.3", "e7.4"]);
      expect(devices[0].size_bytes).toBe(64 * MIB);
      expect(devices[0].buffer_count).toBe(16);
      expect(devices[0].paths[0].sectors).toBe(frameSectors);
    });

    test("info decodes its IDENTIFY sector", async () => {
      const { stdout, exitCode } = await initiator("info", "e7.3");
      expect(exitCode).toBe(0);
      expect(stdout).toContain("Coraid EtherDrive vblade");
      expect(stdout).toContain("67108864 bytes (64 MiB, 131072 sectors)");
    });

    test("a 64 MiB random image is read whole, and nothing is dropped at a buffer count of 16", async () => {
      const out = join(folder, "out");
      const { exitCode, stdout, stderr } = await initiator("read", "e7.3", "-o", out, "--json");
      expect([exitCode, stderr]).toEqual([0, ""]);
      const report = JSON.parse(stdout);
      expect(report.sha256).toBe(sha256(image));
      expect(sha256(readFileSync(out))).toBe(sha256(image));
      expect(report.links[0].receive_drops).toBe(0);
      // P12: no more out than vblade's 16, or it loses frames and we wait for them.
      expect(report.stats.pools[0].occupancy.peak).toBeLessThanOrEqual(16);
      expect(report.stats.counters.timeouts).toBe(0);
    });

    test("what is written is read back, by verify and from the image itself", async () => {
      const fresh = new Uint8Array(randomBytes(8 * MIB + 512));
      const file = join(folder, "new");
      writeFileSync(file, fresh);
      const at = `${MIB + 512}`;
      const wrote = await initiator("write", "e7.3", file, "--offset", at);
      expect([wrote.exitCode, wrote.stdout]).toEqual([0, ""]);
      const disk = readFileSync(join(folder, "disk"));
      expect(sha256(disk.subarray(MIB + 512, 9 * MIB + 1024))).toBe(sha256(fresh));
      expect(sha256(disk.subarray(0, MIB + 512))).toBe(sha256(image.subarray(0, MIB + 512)));
      expect(sha256(disk.subarray(9 * MIB + 1024))).toBe(sha256(image.subarray(9 * MIB + 1024)));
      expect((await initiator("verify", "e7.3", file, "--offset", at)).exitCode).toBe(0);
      const size = `${fresh.length}`;
      const sum = await initiator(
        "verify",
        "e7.3",
        "--sha256",
        sha256(fresh),
        "--offset",
        at,
        "--size",
        size,
      );
      expect(sum.exitCode).toBe(0);
      const other = await initiator("verify", "e7.3", file, "--offset", "0");
      expect(other.exitCode).toBe(1);
      expect(other.stderr).toContain("e7.3 differs from");
    });

    test("a read-only export refuses a write in one sentence, exit 1", async () => {
      const { exitCode, stderr } = await initiator("write", "e7.4", join(folder, "small"));
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(
        /^e7\.4 can't write sectors \d+ to \d+: .*\(ATA status 0x41, error 0x[0-9a-f]{2}\).*\n$/,
      );
    });

    test("an unknown device: exit 6, and who is there instead", async () => {
      const { exitCode, stderr } = await initiator(
        "read",
        "e7.9",
        "-o",
        join(folder, "x"),
        "--wait",
        "300ms",
      );
      expect(exitCode).toBe(6);
      expect(stderr).toBe("e7.9 did not answer within 300 ms; e7.3 and e7.4 did\n");
      expect(existsSync(join(folder, "x"))).toBe(false);
    });

    test("vblade dies and comes back in mid-read: the read goes on and is right", async () => {
      const victim = serve(5, join(folder, "small"));
      children.push(victim);
      let revived = false;
      const reading = initiator(
        "read",
        "e7.5",
        "-o",
        join(folder, "again"),
        "--iodepth",
        "1",
        "--bs",
        "1k",
        "--faults",
        "rx:delay:2ms",
      );
      await Bun.sleep(900);
      victim.kill("SIGKILL");
      await victim.exited;
      await Bun.sleep(500);
      children.push(serve(5, join(folder, "small")));
      revived = true;
      const { exitCode } = await reading;
      expect([exitCode, revived]).toEqual([0, true]);
      expect(sha256(readFileSync(join(folder, "again")))).toBe(sha256(image.subarray(0, MIB)));
    }, 60_000);

    test("vblade dies for good: one sentence, exit 1, and no half-written file", async () => {
      const victim = serve(6, join(folder, "small"));
      children.push(victim);
      const out = join(folder, "half");
      const reading = initiator(
        "read",
        "e7.6",
        "-o",
        out,
        "--iodepth",
        "1",
        "--bs",
        "1k",
        "--faults",
        "rx:delay:2ms",
        "--timeout",
        "1s",
      );
      await Bun.sleep(900);
      victim.kill("SIGKILL");
      const { exitCode, stderr } = await reading;
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(
        /e7\.6 can't read sectors \d+ to \d+: no answer within 1(\.\d+)? s \(\d+ frames sent\)\n$/,
      );
      expect(readdirSync(folder).filter((name) => name.includes("half"))).toEqual([]);
    }, 60_000);
  });
}

if (vblade === null) {
  test.skip("initiator against vblade: no vblade in PATH or the sbin folders", () => {});
} else {
  testsInLab(import.meta.path, { mtu: 1500 }, () => define(2));
  testsInLab(import.meta.path, { mtu: 9000 }, () => define(17));
}
