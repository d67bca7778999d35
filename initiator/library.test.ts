// The library against real targets, as a program of somebody else's would use it.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { insideLabTests, testsInLab } from "../testing/suites/in_lab.ts";
import {
  type AoeDevice,
  type AoeInitiator,
  DeviceError,
  Failure,
  openInitiator,
} from "./library.ts";

const ROOT = resolve(import.meta.dir, "..");
const AOE = join(ROOT, "aoe.ts");
const SECTORS = 2048;

/** A project of its own that depends on aoe. */
function project(folder: string, program: string): string {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(ROOT, join(folder, "node_modules", "aoe"));
  symlinkSync(join(ROOT, "node_modules", "bun-types"), join(folder, "node_modules", "bun-types"));
  writeFileSync(join(folder, "package.json"), '{"name": "of-somebody-else", "type": "module"}');
  const file = join(folder, "program.ts");
  cpSync(program, file);
  return file;
}

testsInLab(import.meta.path, { mtu: 9000 }, () => {
  let folder = "";
  const children: Bun.Subprocess[] = [];
  let initiator: AoeInitiator;
  let device: AoeDevice;

  function serve(slot: number, ...options: string[]): void {
    const file = join(folder, `disk${slot}`);
    writeFileSync(file, new Uint8Array(SECTORS * 512).fill(slot));
    const words = [AOE, "target", ...options, "7", `${slot}`, "b0", file];
    children.push(
      Bun.spawn([process.execPath, ...words], {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
      }),
    );
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "aoe-library-"));
    serve(3);
    serve(4);
    await using one = await openInitiator({ interface: "a0" });
    for (const address of ["e7.3", "e7.4"]) await one.device(address, { wait: "5s" });
  });
  beforeEach(async () => {
    initiator = await openInitiator({ interface: "a0" });
    device = await initiator.device("e7.3");
  });
  afterEach(async () => {
    children[1]?.kill("SIGCONT");
    await initiator.close();
  });

  /** e7.4, whose target has stopped answering. */
  async function silent(by: AoeInitiator): Promise<AoeDevice> {
    const found = await by.device("e7.4");
    children[1]?.kill("SIGSTOP");
    return found;
  }
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map(({ exited }) => exited));
    rmSync(folder, { recursive: true, force: true });
  });

  test("the example runs in a project of its own, and prints what the manual shows", async () => {
    const program = project(join(folder, "project"), join(ROOT, "initiator", "example.ts"));
    const child = Bun.spawn([process.execPath, program, "a0", "e7.3"], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = [
      await new Response(child.stdout).text(),
      await new Response(child.stderr).text(),
    ];
    expect([await child.exited, err]).toEqual([0, ""]);
    expect(out).toBe(
      [
        "e7.3 1048576 bytes, AoE software target",
        "e7.4 1048576 bytes, AoE software target",
        "sector 2047 equals sector 0",
        "ata: e7.3 can't read sector 2048: no such sector (ATA status 0x41, error 0x10), at sector 2048",
        "",
      ].join("\n"),
    );
  });

  test("reads see writes, many at a time, and the caller's memory is his at once", async () => {
    expect([device.sectors, device.bytes, device.sectorsPerFrame]).toEqual([
      SECTORS,
      SECTORS * 512,
      17,
    ]);
    const writes = Array.from({ length: 60 }, async (_, index) => {
      const bytes = new Uint8Array(32 * 512).fill(index + 1);
      await device.write(32 * index, bytes);
      bytes.fill(0xee);
    });
    await Promise.all(writes);
    await device.flush();
    const reads = await Promise.all(writes.map((_, index) => device.read(32 * index, 32)));
    for (const [index, bytes] of reads.entries()) {
      expect(bytes.length).toBe(32 * 512);
      expect(bytes.every((byte) => byte === index + 1)).toBe(true);
    }
    // A part of a larger array, which keeps what is around it.
    const large = new Uint8Array(4096).fill(0x77);
    expect(await device.read(32, large.subarray(1000, 2024))).toHaveLength(1024);
    expect([large[999], large[1000], large[2023], large[2024]]).toEqual([0x77, 2, 2, 0x77]);
    expect((await device.read(0, 0)).length).toBe(0);
    expect((await device.identify()).sectors).toBe(SECTORS);
    expect(device.stats().counters.timeouts).toBe(0);
    expect(initiator.stats()[0]?.receive_drops).toBe(0);
  });

  test("who awaits one request after the other is not kept waiting by others", async () => {
    const chain = async (from: number): Promise<void> => {
      for (let index = 0; index < 200; index++) await device.read((from + index) % SECTORS, 1);
    };
    const took = async (work: Promise<unknown>): Promise<number> => {
      const start = performance.now();
      await work;
      return performance.now() - start;
    };
    const alone = await took(chain(0));
    const together = await took(Promise.all([chain(0), chain(500), chain(1000)]));
    // Were each to wait for the loop's next yield, 5 ms away, it would be fifty times as long on a free machine.
    expect(together).toBeLessThan(6 * alone);
  });

  test("a signal ends a request at once, with its reason, and the program goes on meanwhile", async () => {
    const hanging = await silent(initiator);
    const into = new Uint8Array(512).fill(9);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const start = performance.now();
    const read = hanging.read(0, into, { signal: AbortSignal.timeout(150) });
    expect(read).rejects.toThrow("timed out");
    await read.catch(() => {});
    clearInterval(timer);
    expect(performance.now() - start).toBeWithin(140, 600);
    expect(ticks).toBeGreaterThan(8);
    expect(into.every((byte) => byte === 9)).toBe(true);
    const gone = AbortSignal.abort(new Error("not wanted"));
    expect(hanging.read(0, 1, { signal: gone })).rejects.toThrow("not wanted");
    // One ends by its signal, its neighbour does not.
    const control = new AbortController();
    const [one, other] = [device.read(0, 64, { signal: control.signal }), device.read(64, 64)];
    control.abort();
    expect(one).rejects.toThrow("abort");
    expect((await other).length).toBe(64 * 512);
  });

  test("a silent target: a DeviceError of kind timeout, after the time that was given", async () => {
    const hanging = await silent(initiator);
    const failure = await hanging
      .write(8, new Uint8Array(512), { timeout: "120ms" })
      .catch((e) => e);
    expect(failure).toBeInstanceOf(DeviceError);
    expect([failure.kind, failure.exitCode]).toEqual(["timeout", 1]);
    expect(failure.message).toMatch(
      /^e7\.4 can't write sector 8: no answer within 1\d\d(\.\d+)? ms \(\d frames? sent\)$/,
    );
  });

  test("config string: read, test, prefix, set, force", async () => {
    await device.config.set("root");
    expect(Buffer.from(await device.config.read()).toString()).toBe("root");
    expect(await device.config.test("root")).toBe(true);
    expect(await device.config.test("roo", { timeout: "100ms" })).toBe(false);
    expect(await device.config.testPrefix("roo")).toBe(true);
    const refused = await device.config.set("other").catch((error) => error);
    expect([refused.kind, refused.aoeError]).toEqual(["aoe", 4]);
    await device.config.forceSet("");
    expect((await device.config.read()).length).toBe(0);
    expect(device.config.set("x".repeat(1025))).rejects.toThrow("at most 1024 bytes, got 1025");
  });

  test("reservation and masks: for us, for others, and back", async () => {
    const [us, other] = ["02:00:00:00:00:a0", "02:00:00:00:00:99"];
    expect(await device.reserve.read()).toEqual([]);
    expect(await device.reserve.set()).toEqual([us]);
    await device.read(0, 1);
    expect(await device.reserve.set([other])).toEqual([other]);
    const refused = await device.read(0, 1).catch((error) => error);
    expect([refused.kind, refused.aoeError]).toEqual(["aoe", 6]);
    const kept = await device.reserve.set().catch((error) => error);
    expect(kept.aoeError).toBe(6);
    expect(await device.reserve.forceSet()).toEqual([us]);
    await device.reserve.release();
    expect(await device.reserve.read()).toEqual([]);
    expect(await device.masks.add([us, other])).toEqual([us, other]);
    expect(await device.masks.remove([other])).toEqual([us]);
    expect(await device.masks.remove([us])).toEqual([]);
    expect(await device.masks.read()).toEqual([]);
    expect(device.masks.add(["nonsense"])).rejects.toThrow("Expected `mac` to be an address");
  });

  test("misuse is one sentence", async () => {
    expect(device.read(0.5, 1)).rejects.toThrow("Expected `lba` to be an integer >= 0, got `0.5`");
    expect(device.read(0, -1)).rejects.toThrow(
      "Expected `sectors` to be an integer >= 0, got `-1`",
    );
    expect(device.write(0, new Uint8Array(5))).rejects.toThrow("a multiple of 512 bytes, got `5`");
    expect(device.read(2 ** 48, 1)).rejects.toThrow("within the 2^48 that AoE addresses");
    expect(openInitiator({ interface: [] })).rejects.toThrow("Expected `--interface` to be given");
    const absent = await openInitiator({ interface: "nosuch0" }).catch((error) => error);
    expect([absent instanceof Failure, absent.exitCode]).toEqual([true, 5]);
    const nobody = await initiator.device("e9.9", { wait: "500ms" }).catch((error) => error);
    expect([nobody.exitCode, nobody.message]).toEqual([
      6,
      "e9.9 did not answer within 500 ms; e7.3 and e7.4 did",
    ]);
    // Still of use after all that.
    expect((await device.read(0, 1)).length).toBe(512);
  });

  test("what is no memory, and what is too much", async () => {
    const wrong: unknown[] = ["x", null, new ArrayBuffer(512), new Uint16Array(256)];
    for (const data of wrong) {
      expect(device.write(0, data as Uint8Array)).rejects.toThrow(
        "Expected `data` to be a Uint8Array, got `[object ",
      );
    }
    expect(device.read(0, 2 ** 40)).rejects.toThrow("what memory can hold, got `1099511627776`");
    const odd = { timeout: 5 as unknown as string };
    expect(device.read(0, 1, odd)).rejects.toThrow("Expected `timeout` to be a text such as `2s`");
  });

  test("memory that is taken away while it is ours: that request fails, its neighbours do not", async () => {
    const gone = (buffer: ArrayBuffer): void => {
      structuredClone(buffer, { transfer: [buffer] });
    };
    const shrink = (buffer: ArrayBuffer): void => {
      buffer.resize(512);
    };
    for (const take of [gone, shrink]) {
      const made = (): Uint8Array<ArrayBuffer> =>
        new Uint8Array(new ArrayBuffer(65_536, { maxByteLength: 65_536 }));
      const [into, from] = [made(), made()];
      const read = device.read(0, into).catch((error) => error);
      const write = device.write(0, from).catch((error) => error);
      const neighbour = device.read(1024, 8);
      take(into.buffer);
      take(from.buffer);
      expect([(await read).kind, (await write).kind]).toEqual(["memory", "memory"]);
      expect((await read).message).toBe(
        "e7.3 can't read sectors 0 to 127: the memory for its data was detached or made smaller meanwhile",
      );
      expect((await neighbour).length).toBe(4096);
    }
    const before = new Uint8Array(512);
    gone(before.buffer);
    expect(device.write(0, before)).rejects.toThrow("got a detached one");
    expect((await device.read(0, 1)).length).toBe(512);
  });

  test("close waits for a search that is under way, which then says so", async () => {
    for (const pause of [0, 30]) {
      const one = await openInitiator({ interface: "a0" });
      const searches = [
        one.discover({ wait: "2s" }),
        one.device("e9.9", { wait: "2s" }),
        one.device("e7.3", { wait: "2s" }).then((found) => found.read(0, 2048)),
      ];
      const ended = Promise.allSettled(searches);
      await Bun.sleep(pause);
      const start = performance.now();
      const closed = Promise.all([one.close(), one.close()]);
      expect(await closed).toEqual([[], []]);
      expect(performance.now() - start).toBeLessThan(1500);
      for (const each of (await ended).slice(0, 2)) {
        expect(each).toMatchObject({ reason: { message: "The initiator was closed" } });
      }
    }
  });

  test("`await using` closes: no descriptor is left, and a device of it says so", async () => {
    const count = (): number => readdirSync("/proc/self/fd").length;
    const before = count();
    let kept: AoeDevice | null = null;
    {
      await using one = await openInitiator({ interface: "a0", writeLane: true });
      kept = await one.device("e7.3");
      await kept.write(0, new Uint8Array(512));
      expect(count()).toBeGreaterThan(before);
    }
    expect(count()).toBe(before);
    expect(kept.read(0, 1)).rejects.toThrow("The initiator was closed");
  });

  test("close ends what is pending", async () => {
    const one = await openInitiator({ interface: "a0" });
    const hanging = await silent(one);
    const pending = hanging.read(0, 1).catch((error) => error);
    await Bun.sleep(20);
    expect(await one.close()).toEqual([]);
    expect((await pending).kind).toBe("cancelled");
  });
});

if (!insideLabTests) {
  test("opened without options, or with something else, it says what it takes", async () => {
    // As a program without types may call it.
    const open = openInitiator as (...words: unknown[]) => Promise<AoeInitiator>;
    for (const given of [[], [null], ["eth1"]]) {
      const error = await open(...given).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Failure);
      expect(error).toMatchObject({
        exitCode: 2,
        message: `Expected \`options\` to be an object such as { interface: "eth1" }, got \`${given[0]}\``,
      });
    }
  });

  test("its types are there for a project that depends on it", () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-types-"));
    try {
      const file = project(folder, join(ROOT, "initiator", "example.ts"));
      cpSync(join(ROOT, "tsconfig.json"), join(folder, "tsconfig.json"));
      const check = () => Bun.spawnSync([process.execPath, "check", file], { cwd: folder });
      const good = check();
      expect([good.exitCode, good.stdout.toString() + good.stderr.toString()]).toEqual([
        0,
        expect.stringContaining("No type errors"),
      ]);
      writeFileSync(
        file,
        'import { openInitiator } from "aoe";\nawait openInitiator({ interfaze: "a0" });\n',
      );
      const bad = check();
      expect(bad.exitCode).not.toBe(0);
      expect(bad.stdout.toString() + bad.stderr.toString()).toContain("interfaze");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
