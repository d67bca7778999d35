// Which bytes commands move, to the byte: --offset, --size, where a copy that broke off goes on, and where a
// difference is; over raw sockets, at a target that refuses what it is told to.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inNamespace } from "../../testing/suites/in_namespace.ts";
import { createRandom } from "../../words/random.ts";

const AOE = new URL("../../aoe.ts", import.meta.url).pathname;
const KIB = 1024;
const BYTES = 256 * KIB;

if (inNamespace(import.meta.path)) {
  const folder = mkdtempSync(join(tmpdir(), "aoe-exact-"));
  const at = (name: string): string => join(folder, name);
  const spawn = (...words: string[]) =>
    Bun.spawn([process.execPath, AOE, ...words], {
      cwd: folder,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  let target: ReturnType<typeof spawn> | null = null;

  /** Different in every sector, and no block of it zeros. */
  function noise(bytes: number, seed: number): Buffer {
    const random = createRandom(seed);
    return Buffer.from(Uint8Array.from({ length: bytes }, () => 1 + (random.next() % 255)));
  }

  beforeAll(async () => {
    writeFileSync(at("image"), noise(BYTES, 1));
    target = spawn("target", "7", "3", "vb", "image", "--control", at("control"));
    let text = "";
    for await (const piece of target.stderr) {
      text += new TextDecoder().decode(piece);
      if (text.includes("serves")) return;
    }
    throw new Error(text);
  });
  afterAll(async () => {
    target?.kill("SIGTERM");
    await target?.exited;
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(...words: string[]) {
    const child = spawn(...words);
    const [out, err] = await Promise.all([child.stdout.bytes(), child.stderr.text()]);
    return { out: Buffer.from(out), err, code: await child.exited };
  }
  const initiator = (...words: string[]) => run("initiator", ...words, "--interface", "va");
  async function refuse(model: string): Promise<void> {
    const words = ["target", "ctl", "--socket", at("control"), "service", "e7.3", model];
    expect((await run(...words)).code).toBe(0);
  }

  const image = (): Buffer => readFileSync(at("image"));
  const PIECES = ["--bs", "4k", "--iodepth", "4"];
  const ONE_BY_ONE = ["--bs", "4k", "--iodepth", "1"];
  const before = noise(BYTES, 1);

  beforeEach(() => {
    // In place: the target has it open.
    writeFileSync(at("image"), before, { flag: "r+" });
    for (const name of ["out", "out.aoe-part"]) rmSync(at(name), { force: true });
  });

  describe("--offset and --size", () => {
    test("read: these bytes and no others", async () => {
      const { out, code } = await initiator(
        ...["read", "e7.3", "-o", "-", "--offset", "5k", "--size", "9728", ...PIECES],
      );
      expect(code).toBe(0);
      expect(out.equals(before.subarray(5 * KIB, 5 * KIB + 9728))).toBe(true);
      // Into a file, too, which begins with the first of them.
      const words = ["read", "e7.3", "-o", "out", "--offset", "5k", "--size", "9728", ...PIECES];
      expect((await initiator(...words)).code).toBe(0);
      expect(readFileSync(at("out")).equals(out)).toBe(true);
      const rest = await initiator("read", "e7.3", "-o", "-", "--offset", "250k");
      expect(rest.out.equals(before.subarray(250 * KIB))).toBe(true);
    });

    test("write: these bytes of the device, from the file's first on", async () => {
      const source = noise(20 * KIB, 2);
      writeFileSync(at("source"), source);
      const words = ["write", "e7.3", "source", "--offset", "7k", "--size", "10k", ...PIECES];
      expect((await initiator(...words)).code).toBe(0);
      const wanted = Buffer.from(before);
      source.copy(wanted, 7 * KIB, 0, 10 * KIB);
      expect(image().equals(wanted)).toBe(true);
    });

    test("copy: the same both ways", async () => {
      const source = noise(12 * KIB, 3);
      writeFileSync(at("source"), source);
      expect((await initiator("copy", "source", "e7.3", "--offset", "33k", ...PIECES)).code).toBe(
        0,
      );
      const wanted = Buffer.from(before);
      source.copy(wanted, 33 * KIB);
      expect(image().equals(wanted)).toBe(true);
      const words = ["copy", "e7.3", "out", "--offset", "30k", "--size", "15k", ...PIECES];
      expect((await initiator(...words)).code).toBe(0);
      expect(readFileSync(at("out")).equals(wanted.subarray(30 * KIB, 45 * KIB))).toBe(true);
    });

    test("verify: the file against these bytes, a difference named by its place on the device", async () => {
      const source = Buffer.from(before.subarray(17 * KIB, 40 * KIB));
      writeFileSync(at("source"), source);
      const verify = (...more: string[]) =>
        initiator("verify", "e7.3", "source", "--offset", "17k", ...PIECES, ...more);
      expect((await verify()).code).toBe(0);
      // Two bytes of one sector and one of another: byte 5,000 of the file is byte 22,408 of the device.
      for (const byte of [5000, 5001, 9000]) source[byte] = (source[byte] ?? 0) ^ 0xff;
      writeFileSync(at("source"), source);
      const differs = await verify();
      expect([differs.code, differs.err]).toEqual([
        1,
        "e7.3 differs from source in 2 sectors, the first at byte 22408 of the device (sector 43)\n",
      ]);
      // Before the difference, and beside it.
      expect((await verify("--size", "4608")).code).toBe(0);
      expect((await verify("--size", "5120")).code).toBe(1);
      const elsewhere = await initiator("verify", "e7.3", "source", "--offset", "16k");
      expect(elsewhere.err).toContain("the first at byte 16384 of the device (sector 32)");
    });

    test("verify --sha256: of these bytes", async () => {
      const hash = (from: number, to: number): string =>
        new Bun.CryptoHasher("sha256").update(before.subarray(from, to)).digest("hex");
      const words = ["verify", "e7.3", "--offset", "17k", "--size", "11k", ...PIECES, "--sha256"];
      expect((await initiator(...words, hash(17 * KIB, 28 * KIB))).code).toBe(0);
      const other = await initiator(...words, hash(17 * KIB, 28 * KIB + 512));
      expect(other.code).toBe(1);
      expect(other.err).toContain(`e7.3 has the SHA-256 ${hash(17 * KIB, 28 * KIB)}, not`);
    });

    test("a file that ends within the device ends there, one that does not is refused", async () => {
      writeFileSync(at("source"), noise(8 * KIB, 4));
      expect((await initiator("write", "e7.3", "source", "--offset", "248k")).code).toBe(0);
      const beyond = await initiator("write", "e7.3", "source", "--offset", "249k");
      expect([beyond.code, beyond.err]).toEqual([
        2,
        "Expected the file to end within e7.3, 262144 bytes, got 8192 bytes from byte 254976 on\n",
      ]);
    });
  });

  test("what a transfer says of itself: bytes, time and their rate", async () => {
    const { out } = await initiator("read", "e7.3", "-o", "out", "--json");
    const { bytes, elapsed_ns, bytes_per_second } = JSON.parse(out.toString());
    expect(bytes).toBe(BYTES);
    expect(bytes_per_second / ((BYTES * 1e9) / elapsed_ns)).toBeCloseTo(1, 3);
  });

  test("one ping that is not answered is a failure", async () => {
    await refuse("drop:100%");
    const ping = await initiator("ping", "e7.3", "--ata", "-c", "1", "--timeout", "200ms");
    await refuse("");
    expect([ping.code, ping.err]).toEqual([1, "e7.3 answered none of 1\n"]);
    expect(ping.out.toString()).toContain("1 sent, 0 answered, 100 % lost");
    const again = await initiator("ping", "e7.3", "--ata", "-c", "2", "--interval", "1ms");
    expect(again.code).toBe(0);
    expect(again.out.toString()).toContain("2 sent, 2 answered, 0 % lost");
  });

  /** The number that a copy that broke off named, of `size` bytes. */
  function copied(err: string, size: number): number {
    const found = new RegExp(`; (\\d+) of ${size} bytes were copied: `).exec(err);
    if (found === null) throw new Error(err);
    return Number(found[1]);
  }

  describe("a copy onto a device that broke off", () => {
    const SOURCE = noise(100 * KIB, 5);

    test.each([
      ["0", 0],
      ["20k", 20 * KIB],
    ])("at --offset %s, twice: it goes on at the byte that it named", async (offset, start) => {
      writeFileSync(at("source"), SOURCE);
      const words = ["copy", "source", "e7.3", "--offset", offset, ...ONE_BY_ONE];
      const wanted = Buffer.from(before);
      SOURCE.copy(wanted, start);
      let done = 0;
      // The blocks that hold these bytes of the file are refused, one after the other.
      for (const bad of [30 * KIB, 61 * KIB]) {
        const sector = (start + bad) / 512;
        await refuse(`error:abrt/100%/write/${sector}-${sector}`);
        const broken = await initiator(...words, ...(done === 0 ? [] : ["--resume", `${done}`]));
        expect(broken.code).toBe(1);
        done = copied(broken.err, SOURCE.length);
        expect(broken.err).toEndWith(`: --resume ${done} continues\n`);
        // All before the block that was refused, one at a time as they went.
        expect(done).toBe(bad - (bad % (4 * KIB)));
        expect(
          image()
            .subarray(start, start + done)
            .equals(SOURCE.subarray(0, done)),
        ).toBe(true);
      }
      await refuse("");
      // What is before it is not written again, what it names is.
      const mark = noise(BYTES, 6);
      writeFileSync(at("image"), mark, { flag: "r+" });
      const last = await initiator(...words, "--resume", `${done}`, "--json");
      expect([last.code, JSON.parse(last.out.toString()).bytes]).toEqual([0, SOURCE.length - done]);
      SOURCE.copy(mark, start + done, done);
      expect(image().equals(mark)).toBe(true);
    });

    test("one that is done has nothing left; one that names more than there is, is refused", async () => {
      writeFileSync(at("source"), SOURCE);
      const words = ["copy", "source", "e7.3", "--json", "--resume"];
      const done = await initiator(...words, `${SOURCE.length}`);
      expect([done.code, JSON.parse(done.out.toString()).bytes]).toEqual([0, 0]);
      expect(image().equals(before)).toBe(true);
      expect((await initiator(...words, `${SOURCE.length + 512}`)).code).toBe(2);
      expect((await initiator(...words, "1000")).err).toContain("a multiple of 512 bytes");
    });

    test("--skip-zeros leaves out blocks of zeros, and those alone", async () => {
      const source = noise(16 * KIB, 7);
      source.fill(0, 4 * KIB, 8 * KIB);
      source.fill(0, 8 * KIB, 12 * KIB - 1);
      writeFileSync(at("source"), source);
      expect((await initiator("copy", "source", "e7.3", "--skip-zeros", ...PIECES)).code).toBe(0);
      const wanted = Buffer.from(before);
      source.copy(wanted, 0, 0, 4 * KIB);
      source.copy(wanted, 8 * KIB, 8 * KIB);
      expect(image().equals(wanted)).toBe(true);
    });
  });

  describe("a copy into an image that broke off", () => {
    test("goes on where its part ends, twice, and reads no byte again", async () => {
      // The last block before the first bad one is of zeros: a hole that the part's length must count.
      const image = Buffer.from(before);
      image.fill(0, 44 * KIB, 48 * KIB);
      writeFileSync(at("image"), image, { flag: "r+" });
      const words = ["copy", "e7.3", "out", "--offset", "20k", "--size", "100k", ...ONE_BY_ONE];
      let done = 0;
      for (const bad of [30 * KIB, 61 * KIB]) {
        const sector = (20 * KIB + bad) / 512;
        await refuse(`error:unc/100%/read/${sector}-${sector}`);
        const broken = await initiator(...words, ...(done === 0 ? [] : ["--resume"]));
        expect(broken.code).toBe(1);
        done = copied(broken.err, 100 * KIB);
        expect(done).toBe(bad - (bad % (4 * KIB)));
        const part = readFileSync(at("out.aoe-part"));
        expect(part.length).toBe(done);
        expect(part.equals(image.subarray(20 * KIB, 20 * KIB + done))).toBe(true);
      }
      await refuse("");
      // What is there stays, as a mark shows; a piece of a sector at the end is read again.
      const mark = noise(done - 100, 8);
      writeFileSync(at("out.aoe-part"), mark);
      const whole = done - 100 - ((done - 100) % 512);
      const last = await initiator(...words, "--resume", "--json");
      expect(JSON.parse(last.out.toString()).bytes).toBe(100 * KIB - whole);
      const wanted = Buffer.from(image.subarray(20 * KIB, 120 * KIB));
      mark.copy(wanted, 0, 0, whole);
      expect(readFileSync(at("out")).equals(wanted)).toBe(true);
      expect(existsSync(at("out.aoe-part"))).toBe(false);
    });

    test("blocks of zeros are holes, and the image has its length all the same", async () => {
      const zeros = Buffer.from(before);
      // Of a block of 128 KiB all but its last byte.
      zeros.fill(0, 0, 128 * KIB - 1);
      zeros.fill(0, 128 * KIB);
      writeFileSync(at("image"), zeros, { flag: "r+" });
      expect((await initiator("copy", "e7.3", "out", "--bs", "128k")).code).toBe(0);
      expect(readFileSync(at("out")).equals(zeros)).toBe(true);
      expect(statSync(at("out")).blocks * 512).toBeLessThanOrEqual(128 * KIB);
    });

    test("a part that is longer than what is asked for is kept and refused", async () => {
      writeFileSync(at("out.aoe-part"), noise(30 * KIB, 9));
      const words = ["copy", "e7.3", "out", "--size", "20k", "--resume"];
      const { code, err } = await initiator(...words);
      expect([code, err]).toEqual([
        2,
        "out.aoe-part holds 30720 bytes, more than the 20480 that are to be copied\n",
      ]);
      expect(statSync(at("out.aoe-part")).size).toBe(30 * KIB);
    });
  });
}
