// The programs that people have, through NBD, the initiator, frames, and a target: what goes in comes out. In
// labs; each program that is absent is a test that skips and says so.

import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { testsInLab } from "./in_lab.ts";
import { findProgram, searchPath } from "../../lab/programs.ts";
import { type NbdFixture, startAoe, startNbd } from "./nbd_fixture.ts";
import { runChild } from "../../bench/machine/child.ts";

const MIB = 2 ** 20;
const SIZE = 12 * MIB;
const DOCS = resolve(import.meta.dir, "../../docs");

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(cwd: string, ...words: string[]): Promise<Ran> {
  const { code, stdout, stderr } = await runChild(words, {
    cwd,
    env: { ...process.env, PATH: searchPath() },
  });
  return { exitCode: code, stdout, stderr };
}

/** Throws with what was said where the program fails. */
async function must(cwd: string, ...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(cwd, ...words);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${exitCode}\n${stdout}${stderr}`);
  return stdout + stderr;
}

/** A test that needs programs. */
function testWith(programs: string[], name: string, body: () => Promise<void>): void {
  const absent = programs.filter((program) => findProgram(program) === null);
  if (absent.length > 0) test.skip(`${name}: ${absent.join(", ")} absent`, () => {});
  else test(name, body, 20_000);
}

async function equal(a: string, b: string, bytes = statSync(a).size): Promise<void> {
  const [one, two] = await Promise.all(
    [a, b].map((path) => Bun.file(path).slice(0, bytes).bytes()),
  );
  if (one === undefined || two === undefined || !Buffer.from(one).equals(two)) {
    throw new Error(`${a} and ${b} differ`);
  }
}

testsInLab(import.meta.path, { mtu: 9000 }, () => {
  let folder = "";
  let nbd: NbdFixture;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "aoe-nbd-"));
    nbd = await startNbd(folder, SIZE);
  });
  afterEach(async () => {
    await nbd.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** An ext4 file system with files in it. */
  async function makeImage(): Promise<string> {
    const path = join(folder, "fs.img");
    await must(folder, "mkfs.ext4", "-q", "-F", "-d", DOCS, path, "8M");
    truncateSync(path, SIZE);
    return path;
  }

  testWith(
    ["qemu-img", "mkfs.ext4"],
    "qemu-img convert, a qcow2 image in and out: equal",
    async () => {
      const image = await makeImage();
      await must(folder, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", image, "in.qcow2");
      await must(
        folder,
        "qemu-img",
        "convert",
        "-n",
        "-f",
        "qcow2",
        "-O",
        "raw",
        "in.qcow2",
        nbd.uri,
      );
      await must(folder, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", nbd.uri, "out.qcow2");
      expect(await must(folder, "qemu-img", "compare", "in.qcow2", "out.qcow2")).toContain(
        "identical",
      );
      expect(await must(folder, "qemu-img", "compare", "-F", "raw", image, nbd.uri)).toContain(
        "identical",
      );
      await equal(image, nbd.image);
    },
  );

  testWith(
    ["nbdcopy", "mkfs.ext4", "fsck.ext4"],
    "a file system copied in and back: fsck -f clean",
    async () => {
      const image = await makeImage();
      await must(folder, "nbdcopy", "--connections=4", image, nbd.uri);
      await must(folder, "nbdcopy", "--flush", nbd.uri, "back.img");
      const back = join(folder, "back.img");
      await equal(image, back);
      truncateSync(back, 8 * MIB);
      expect(await must(folder, "fsck.ext4", "-f", "-n", back)).toContain("Pass 5");
    },
  );

  testWith(["fio"], "fio --ioengine=nbd, verify=crc32c, two connections: no error", async () => {
    const words = [
      "--name=x",
      "--ioengine=nbd",
      `--uri=${nbd.uri}`,
      "--rw=randwrite",
      "--bsrange=512-64k",
    ];
    const rest = [
      "--iodepth=16",
      "--size=2m",
      "--numjobs=2",
      "--offset_increment=4m",
      "--verify=crc32c",
    ];
    const ends = ["--verify_fatal=1", "--fsync=32", "--randseed=1", "--verify_state_save=0"];
    const said = await must(folder, "fio", ...words, ...rest, ...ends, "--output-format=json");
    const jobs = (
      JSON.parse(said.slice(said.indexOf("{"))) as {
        jobs: { error: number; read: { io_bytes: number }; write: { io_bytes: number } }[];
      }
    ).jobs;
    expect(
      jobs.map(({ error, read, write }) => [error, read.io_bytes >= 2 * MIB, write.io_bytes]),
    ).toEqual([
      [0, true, 2 * MIB],
      [0, true, 2 * MIB],
    ]);
    await nbd.server.end();
    const flushes = Number(/(\d+) flushes/.exec(nbd.server.said())?.[1]);
    expect(flushes).toBeGreaterThan(2);
  });

  testWith(
    ["fio"],
    "fio killed in mid-load: said in a sentence, and the next client is served",
    async () => {
      const words = [
        "fio",
        "--name=x",
        "--thread",
        "--ioengine=nbd",
        `--uri=${nbd.uri}`,
        "--rw=randwrite",
        "--bs=4k",
      ];
      const child = Bun.spawn(
        [...words, "--iodepth=64", "--size=8m", "--time_based", "--runtime=20"],
        {
          cwd: folder,
          stdout: "ignore",
          stderr: "ignore",
        },
      );
      // The sparse image fills as soon as its writes arrive.
      while (statSync(nbd.image).blocks < 64) await Bun.sleep(5);
      child.kill("SIGKILL");
      await child.exited;
      await nbd.server.until("NBD client ");
      const said = await must(
        folder,
        "fio",
        "--name=y",
        "--ioengine=nbd",
        `--uri=${nbd.uri}`,
        "--rw=read",
        "--bs=64k",
        "--size=1m",
      );
      expect(said).toContain("err= 0");
    },
  );

  testWith(
    ["nbdcopy"],
    "a target that goes away: EIO after the timeout; one that comes back: all is well",
    async () => {
      await nbd.server.end();
      await nbd.restart(["--timeout", "500ms", "--json"]);
      await nbd.target.end("SIGKILL");
      const { exitCode, stderr } = await run(folder, "nbdcopy", nbd.uri, "lost.img");
      expect(exitCode).toBe(1);
      expect(stderr).toContain("Input/output error");
      await nbd.restartTarget();
      await must(folder, "nbdcopy", nbd.uri, "back.img");
      await equal(nbd.image, join(folder, "back.img"));
      await nbd.server.end();
      const figures = (await new Response(nbd.server.child.stdout).json()) as {
        nbd: { failed: number; read_bytes: number };
      };
      expect(figures).toMatchObject({ device: "e7.3", nbd: { writes: 0, refused: 0 } });
      expect(figures.nbd.failed).toBeGreaterThan(0);
      expect(figures.nbd.read_bytes).toBeGreaterThanOrEqual(SIZE);
    },
  );

  testWith(["nbdinfo"], "nbdinfo sees what is so", async () => {
    await nbd.server.end();
    await nbd.restart(["--export", "the disk", "--read-only"]);
    const uri = `nbd+unix:///the%20disk?socket=${nbd.socket}`;
    const said = await must(folder, "nbdinfo", uri);
    for (const line of [
      "newstyle-fixed without TLS, using structured packets",
      "description: e7.3",
      `export-size: ${SIZE} (12M)`,
      "is_read_only: true",
      "is_rotational: false",
      "can_multi_conn: true",
      "can_trim: false",
      "can_df: true",
      "block_size_minimum: 512",
      "block_size_preferred: 4096",
      "block_size_maximum: 33554432",
    ]) {
      expect(said).toContain(line);
    }
    expect(await must(folder, "nbdinfo", "--list", nbd.uri)).toContain('export="the disk"');
    const other = await run(folder, "nbdinfo", `nbd+unix:///other?socket=${nbd.socket}`);
    expect(other.stderr).toContain("export: other");
    expect(other.exitCode).toBe(1);
  });

  testWith(
    ["qemu-io"],
    "qemu-io: FUA, zeroes, trim, what is unaligned, and what lies beyond",
    async () => {
      const io = (...commands: string[]): Promise<string> =>
        must(
          folder,
          "qemu-io",
          "-f",
          "raw",
          ...commands.flatMap((command) => ["-c", command]),
          nbd.uri,
        );
      const said = await io(
        "write -f -P 0x5a 512 1024",
        "write -z 4096 65536",
        "flush",
        "read -P 0x5a 512 1024",
        "read -P 0 4096 65536",
      );
      expect(said).not.toContain("failed");
      expect(said.match(/ops;/g)?.length).toBe(4);
      // Without a trim that it could send, qemu leaves the bytes as they are.
      await io("discard 512 512", "read -P 0x5a 512 1024");
      const beyond = await run(folder, "qemu-io", "-f", "raw", "-c", `read ${SIZE} 512`, nbd.uri);
      expect(beyond.exitCode + beyond.stdout.length + beyond.stderr.length).toBeGreaterThan(0);
      expect(await Bun.file(nbd.image).slice(512, 514).bytes()).toEqual(
        new Uint8Array([0x5a, 0x5a]),
      );
    },
  );

  describe("the socket", () => {
    const refuse = async (path: string): Promise<[number, string]> => {
      const other = startAoe(["initiator", "nbd", "e7.3", "--interface", "a0", "--socket", path]);
      await other.child.exited;
      await Bun.sleep(20);
      return [other.child.exitCode ?? -1, other.said()];
    };

    test("SIGINT and SIGTERM: taken away, exit code 0; SIGKILL: left, and replaced by the next", async () => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        expect(await nbd.server.end(signal)).toBe(0);
        expect(existsSync(nbd.socket)).toBe(false);
        expect(nbd.server.said()).toMatch(/^Served 0 clients, 0 reads/m);
        await nbd.restart();
      }
      await nbd.server.end("SIGKILL");
      expect(existsSync(nbd.socket)).toBe(true);
      await nbd.restart();
      expect(existsSync(nbd.socket)).toBe(true);
    }, 60_000);

    test("taken, no socket, too long, and no such device: one sentence each, nothing made or harmed", async () => {
      expect(await refuse(nbd.socket)).toEqual([5, `Another server listens at ${nbd.socket}\n`]);
      const file = join(folder, "file");
      writeFileSync(file, "precious");
      expect(await refuse(file)).toEqual([
        5,
        `${file} exists and is not a socket, so it is not replaced\n`,
      ]);
      copyFileSync(file, join(folder, "copy"));
      const long = join(folder, "x".repeat(108));
      expect(await refuse(long)).toEqual([
        2,
        `Expected \`--socket\` to be a path of 1 to 107 bytes, got \`${long}\`\n`,
      ]);
      const fresh = join(folder, "fresh");
      const other = startAoe([
        "initiator",
        "nbd",
        "e7.9",
        "-i",
        "a0",
        "--socket",
        fresh,
        "--wait",
        "300ms",
      ]);
      await other.child.exited;
      expect([other.child.exitCode, existsSync(fresh)]).toEqual([6, false]);
    }, 60_000);
  });
});
