// A target as a process in a lab: what it is told while it serves, and what happens around it, costs no
// request; what can't be served is said. Long, since one lab and its peer serve all of it.

import { afterAll, afterEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";

import { insideLabTests, testsInLab } from "../testing/suites/in_lab.ts";
import * as aoe from "../wire/aoe.ts";
import * as ata from "../wire/ata.ts";
import { BROADCAST } from "../wire/mac.ts";
import type { Frame } from "../wire/frame.ts";
import {
  AOE,
  cleanUp,
  cleanups,
  directory,
  fresh,
  ip,
  memory,
  Peer,
  registers,
  removeFiles,
  rewrite,
  serve,
  until,
} from "../testing/doubles/lab_target.ts";
import {
  ataFrame,
  ataOf,
  configOf,
  discovery,
  pattern,
  readFrame,
  writeFrame,
} from "../testing/doubles/probe.ts";

afterEach(cleanUp);
afterAll(removeFiles);

testsInLab(import.meta.path, { mtu: 1500 }, () => {
  test("--stats-at-end: a file that is empty until the end, then holds what `stats` says", async () => {
    const path = fresh(".json");
    const served = await serve(memory(3), undefined, ["--stats-at-end", path]);
    expect(readFileSync(path, "utf8")).toBe("");
    const peer = new Peer();
    for (let tag = 1; tag <= 5; tag++) await peer.ask(readFrame(0, 1, { tag }));
    served.signal("SIGTERM");
    expect(await served.exited).toBe(0);
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
      schema_version: 1,
      closing: { unanswered: 0, not_durable: [] },
      target: { exports: 1, interfaces: 1, pid: served.pid },
      interfaces: [{ interface: "b0", over_buffer_count: 0, rx_buffers_full: 0 }],
      exports: [{ export: "e7.3", reads: 5 }],
    });
  });

  test("--stats-at-end: what is left without an answer is told; a path that goes meanwhile is exit 5", async () => {
    const held = fresh(".json");
    const slow = await serve(memory(3, 'service = "delay:1m"'), undefined, [
      ...["--stats-at-end", held],
    ]);
    expect(await new Peer().silent(readFrame(0, 1))).toBe(true);
    slow.signal("SIGTERM");
    await Bun.sleep(700);
    slow.signal("SIGTERM");
    expect(await slow.exited).toBe(0);
    expect(JSON.parse(readFileSync(held, "utf8"))).toMatchObject({ closing: { unanswered: 1 } });
    const gone = fresh(".folder");
    mkdirSync(gone);
    const lost = await serve(memory(4), undefined, ["--stats-at-end", `${gone}/end.json`]);
    rmSync(gone, { recursive: true });
    lost.signal("SIGTERM");
    expect(await lost.exited).toBe(5);
    expect(lost.said()).toContain(`Can't write the figures ${gone}/end.json: `);
  });

  test("unchanged exports lose no request while the configuration is read again and again", async () => {
    const image = fresh(".img");
    const served = await serve(
      `[[export]]\naddress = "e7.3"\nfile = "${image}"\ncreate = "1m"\nbuffer_count = 16\n${memory(4)}`,
    );
    const peer = new Peer();
    const control = await served.connect();
    await peer.ask(readFrame(0, 1));
    peer.came.length = 0;
    // A window of eight reads, none of them ever sent twice.
    const waiting = new Set<number>();
    let tag = 1;
    let reloads = 0;
    let asking = true;
    const ask = async (): Promise<void> => {
      for (let round = 0; round < 12; round++) {
        // An export comes, changes its size, changes its model, goes.
        const kind = [
          memory(5),
          memory(5).replace("64k", "32k"),
          memory(5, 'service = "delay:2ms"'),
          "",
        ][round % 4];
        rewrite(
          served,
          (text) => `${text.replace(/\[\[export\]\]\naddress = "e7.5"[^[]*/, "")}${kind}`,
        );
        if (round % 2 === 0) {
          const told = await control.ask({ verb: "reload" });
          expect(told).toMatchObject({ ok: true, unchanged: 2 });
        } else {
          const seen = served.said().split("reloaded").length;
          served.signal("SIGHUP");
          await until("a reload by signal", () => served.said().split("reloaded").length > seen);
        }
        reloads++;
      }
    };
    const over = ask().finally(() => {
      asking = false;
    });
    while (asking || waiting.size > 0) {
      while (asking && waiting.size < 8) {
        waiting.add(tag);
        peer.send(readFrame(tag % 2048, 1, { tag: tag++ }));
      }
      for (const { aoe: header } of peer.receive()) waiting.delete(header.tag);
      peer.came.length = 0;
      await new Promise((resolve) => setImmediate(resolve));
      if (!asking && waiting.size > 0) {
        await until("all answers", () => {
          for (const { aoe: header } of peer.receive()) waiting.delete(header.tag);
          return waiting.size === 0;
        });
      }
    }
    await over;
    expect(reloads).toBe(12);
    expect(tag).toBeGreaterThan(50);
    const told = await control.ask({ verb: "stats", export: "e7.3" });
    expect((told["exports"] as { reads: number }[])[0]?.reads).toBe(tag);
  }, 60_000);

  test("a configuration that went bad changes nothing and is said", async () => {
    const served = await serve(memory(3));
    const control = await served.connect();
    rewrite(served, (text) => `${text}[[export]]\naddress = "e7.4"\nfile = "/none"\n`);
    expect(await control.ask({ verb: "reload" })).toMatchObject({
      ok: false,
      error: expect.stringContaining("/none does not exist"),
    });
    rewrite(served, (text) => `${text}\ncolour = 1\n`);
    served.signal("SIGHUP");
    await served.until("nothing was changed");
    expect(served.said()).toContain("`colour`");
    expect(ataOf(await new Peer().ask(readFrame(0, 1))).command).toBe(ata.STATUS_DRDY);
  });

  test("a typo in the path of a live image: exit code 1, a sentence, and it is served as before, by ctl and by signal", async () => {
    const image = fresh(".img");
    const served = await serve(
      `[[export]]\naddress = "e7.3"\nfile = "${image}"\ncreate = "64k"\n${memory(4)}`,
    );
    const peer = new Peer();
    rewrite(served, (text) =>
      text
        .replace(image, `${image}.typo`)
        .replace(/create.*\n/, "")
        .replace("64k", "128k"),
    );
    const ctl = Bun.spawn(
      [process.execPath, AOE, "target", "ctl", "--socket", served.control, "reload"],
      { stdout: "pipe", stderr: "pipe" },
    );
    const sentence = `nothing was changed: The image ${image}.typo does not exist`;
    expect(await new Response(ctl.stderr).text()).toStartWith(sentence);
    expect([await ctl.exited, await new Response(ctl.stdout).text()]).toEqual([1, ""]);
    expect(ataOf(await peer.ask(readFrame(127, 1, { tag: 1 }))).command).toBe(ata.STATUS_DRDY);
    served.signal("SIGHUP");
    await served.until(sentence);
    for (const [tag, minor] of [
      [2, 3],
      [3, 4],
    ] as const) {
      const { command } = ataOf(await peer.ask(readFrame(127, 1, { tag, minor })));
      expect(command).toBe(ata.STATUS_DRDY);
      const beyond = ataOf(await peer.ask(readFrame(128, 1, { tag: tag + 10, minor })));
      expect(beyond.feature).toBe(ata.ERROR_IDNF);
    }
  });

  test("an image that is cut stays cut, and ctl export resize takes its size up and announces it", async () => {
    const image = fresh(".img");
    writeFileSync(image, new Uint8Array(65_536));
    const served = await serve(`[[export]]\naddress = "e7.3"\nfile = "${image}"\n`);
    const control = await served.connect();
    const peer = new Peer();
    const data = pattern(1, 6);
    expect(registers(await peer.ask(writeFrame(100, data, { tag: 1 }))).command).toBe(0x40);
    truncateSync(image, 64 * 512);
    await Bun.sleep(10);
    expect(registers(await peer.ask(writeFrame(100, data, { tag: 2 })))).toEqual({
      command: 0x41,
      error: ata.ERROR_ABRT,
    });
    await served.until("It has 64 sectors now, and 128 are served");
    expect(statSync(image).size).toBe(64 * 512);
    peer.came.length = 0;
    expect(await control.ask({ verb: "export resize", export: "e7.3" })).toEqual({
      ok: true,
      before: 128,
      sectors: 64,
    });
    await until("an announcement", () => peer.receive().some(({ aoe: { tag } }) => tag === 0));
    expect(registers(await peer.ask(writeFrame(64, data, { tag: 3 }))).error).toBe(ata.ERROR_IDNF);
    const identified = await peer.ask(
      ataFrame({ command: ata.IDENTIFY, count: 1, flags: 0 }, { tag: 4 }),
    );
    expect(Buffer.from(identified.rest).readUInt32LE(200)).toBe(64);
  });

  test("a signal that comes while a reload waits for what is in hand reloads once more behind it", async () => {
    const served = await serve(memory(3, 'service = "delay:500ms"'));
    const peer = new Peer();
    peer.send(readFrame(0, 1, { tag: 5 }));
    const control = await served.connect();
    await until("the read is in hand", () => served.said().includes("serves"));
    await control.ask({ verb: "stats" });
    // Other sectors, so that the read must be answered first.
    rewrite(served, (text) => text.replace(/memory = "\w+"/, 'memory = "128k"'));
    served.signal("SIGHUP");
    await until("silence at the address", () => {
      Bun.sleepSync(50);
      return true;
    });
    rewrite(served, (text) => `${text}\n${memory(9)}`);
    served.signal("SIGHUP");
    await until("two reloads", () => served.said().split("reloaded: ").length === 3);
    // On a busy machine the first reload may read the file after the second change.
    expect(served.said()).toContain("reloaded: 1 added, 0 removed, ");
    expect(served.said()).not.toContain("nothing was changed");
  });

  test("an image that fails once its export is removed is said, and costs nobody the target", async () => {
    const image = fresh(".img");
    writeFileSync(image, new Uint8Array(65_536));
    const served = await serve(
      `[[export]]\naddress = "e7.3"\nfile = "${image}"\nservice = "delay:400ms"\n${memory(4)}`,
    );
    const control = await served.connect();
    const peer = new Peer();
    peer.send(readFrame(64, 1, { tag: 5 }));
    await until("the read is in hand", () => {
      Bun.sleepSync(50);
      return true;
    });
    truncateSync(image, 0);
    expect(await control.ask({ verb: "export remove", export: "e7.3" })).toEqual({ ok: true });
    const [answer] = peer.receive().filter(({ aoe: header }) => header.tag === 5);
    expect(registers(answer as Frame)).toEqual({ command: 0x41, error: 0x40 });
    await served.until(`e7.3: read of ${image} failed: Input/output error (EIO)`);
    expect(registers(await peer.ask(readFrame(0, 1, { minor: 4 }))).command).toBe(ata.STATUS_DRDY);
  });

  test("an interface that gets another address answers with that one", async () => {
    await serve(memory(3));
    const peer = new Peer();
    await peer.ask(readFrame(0, 1));
    peer.came.length = 0;
    ip("link set b0 address 02:00:00:00:00:b7");
    cleanups.push(() => ip("link set b0 address 02:00:00:00:00:b0"));
    // Unasked, to all.
    await until("an announcement from the new address", () =>
      peer
        .receive()
        .some(
          ({ ethernet: { source, destination }, aoe: { tag } }) =>
            source === 0x0200_0000_00b7 && destination === BROADCAST && tag === 0,
        ),
    );
    await until("an answer from the new address", () => {
      peer.send(discovery());
      Bun.sleepSync(20);
      return peer.receive().some(({ ethernet: { source } }) => source === 0x0200_0000_00b7);
    });
  });

  test("an interface changes its MTU, goes, comes back as another one, and is served again", async () => {
    const served = await serve(memory(3), 'interfaces = ["b0", "w0"]');
    expect(served.said()).toContain("waiting for it");
    const peer = new Peer();
    await peer.ask(readFrame(0, 1));
    peer.came.length = 0;
    ip("link set a0 mtu 9000; ip link set b0 mtu 9000");
    await until("an announcement of the new MTU", () =>
      peer
        .receive()
        .some((frame) => frame.body.kind === "config" && configOf(frame).sectorCount === 17),
    );
    ip("link set a0 mtu 1500; ip link set b0 mtu 1500");
    await until("an announcement of the old MTU", () =>
      peer
        .receive()
        .some((frame) => frame.body.kind === "config" && configOf(frame).sectorCount === 2),
    );
    // One that was not there at the start.
    ip("link add v0 type veth peer name w0; ip link set v0 up; ip link set w0 up");
    await served.until("serving on w0");
    const control = await served.connect();
    for (let round = 1; round <= 3; round++) {
      ip("link del v0");
      await until("w0 is gone", () => served.said().split("w0 is gone").length === round + 1);
      // Gone costs nothing: the target does not spin on a dead socket.
      ip("link add v0 type veth peer name w0; ip link set v0 up");
      await until("w0 again", () => served.said().split("serving on w0").length === round + 2);
      const other = new Peer("v0");
      ip("link set w0 up");
      await until("an answer on w0", () => {
        other.send(discovery());
        Bun.sleepSync(20);
        return other.receive().length > 0;
      });
      const stats = await control.ask({ verb: "stats" });
      expect(
        (stats["interfaces"] as { interface: string }[]).map((each) => each.interface),
      ).toEqual(["b0", "w0"]);
    }
    ip("link del v0");
    await peer.ask(readFrame(0, 1));
    const before = cpuTime(served.pid);
    await Bun.sleep(400);
    expect(cpuTime(served.pid) - before).toBeLessThan(20);
  }, 60_000);

  test("the control socket is its owner's alone, and goes with the target", async () => {
    const served = await serve(memory(3));
    expect(statSync(served.control).mode & 0o777).toBe(0o600);
    const control = await served.connect();
    expect(await control.ask({ verb: "quit" })).toEqual({ ok: true });
    expect(await served.exited).toBe(0);
    expect(existsSync(served.control)).toBe(false);
  });

  test("ctl and top speak to it: JSON on stdout, a sentence on stderr, plain lines", async () => {
    const served = await serve(memory(3));
    const run = async (...words: string[]) => {
      const child = Bun.spawn([process.execPath, AOE, "target", ...words], {
        stdout: "pipe",
        stderr: "pipe",
      });
      const [out, err] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      return { out, err, code: await child.exited };
    };
    const socket = ["--socket", served.control];
    const changed = await run("ctl", ...socket, "service", "e7.3", "delay:1ms");
    expect([changed.out, changed.code]).toEqual(['{"service_model":"delay:1ms"}\n', 0]);
    const refused = await run("ctl", ...socket, "export", "remove", "e9.9");
    expect([refused.out, refused.code]).toEqual(["", 1]);
    expect(refused.err).toContain("`e9.9`");
    expect((await run("ctl", ...socket, "dance")).code).toBe(2);
    const nobody = await run("ctl", "--socket", `${served.control}.not`, "stats");
    expect([nobody.code, nobody.err.includes("No target listens")]).toEqual([5, true]);
    const peer = new Peer();
    const watching = run("top", ...socket, "--interval", "300ms", "--count", "2");
    let over = false;
    const watched = watching.finally(() => {
      over = true;
    });
    for (let tag = 1; !over; tag++) {
      peer.send(readFrame(0, 1, { tag }));
      await Bun.sleep(10);
    }
    const told = await watched;
    expect([told.code, told.err]).toEqual([0, ""]);
    expect(told.out).toMatch(/^e7\.3 read \d+\/s .* mean [1-9][\d.]* ms queue/m);
  }, 60_000);

  test("answers of others never leave the kernel, unless all is captured", async () => {
    for (const [words, more] of [
      [[], 1],
      [["--capture", fresh(".pcap")], 101],
    ] as const) {
      const served = await serve(memory(3), 'interfaces = ["b0"]', [...words]);
      const control = await served.connect();
      const peer = new Peer();
      await peer.ask(readFrame(0, 1));
      const rx = async (): Promise<number> => {
        const stats = await control.ask({ verb: "stats" });
        return (stats["interfaces"] as { rx: number }[])[0]?.rx ?? Number.NaN;
      };
      const before = await rx();
      for (let tag = 0; tag < 100; tag++) {
        peer.send(readFrame(0, 1, { tag, flags: aoe.FLAG_RESPONSE }));
      }
      await peer.ask(readFrame(0, 1, { tag: 1000 }));
      expect((await rx()) - before).toBe(more);
      await control.ask({ verb: "quit" });
      await served.exited;
    }
  });

  test("metrics are served on this host alone", async () => {
    const served = await serve(memory(3), 'interfaces = ["b0"]\nmetrics = ":0"');
    const url = /http:\/\/127\.0\.0\.1:\d+\/metrics/.exec(served.said())?.[0] ?? "";
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    expect(await answer.text()).toContain('aoe_export_sectors{export="e7.3"} 128\n');
    expect((await fetch(url.replace("metrics", "etc/passwd"))).status).toBe(404);
    expect((await fetch(url, { method: "POST" })).status).toBe(405);
  });

  test("a full disk: ABRT for the write, the cause once in the log, and nothing lost elsewhere", async () => {
    const disk = fresh(".mnt");
    Bun.spawnSync([
      "sh",
      "-c",
      `mkdir ${disk}; PATH=$PATH:/usr/sbin:/sbin mount -t tmpfs -o size=256k tmpfs ${disk}`,
    ]);
    cleanups.push(() =>
      Bun.spawnSync(["sh", "-c", `PATH=$PATH:/usr/sbin:/sbin umount -l ${disk}`]),
    );
    const served = await serve(
      `[[export]]\naddress = "e7.3"\nfile = "${disk}/sparse.img"\ncreate = "10m"\n${memory(4)}`,
    );
    const peer = new Peer();
    const data = pattern(2, 5);
    let full = 0;
    for (let lba = 0; lba < 1200; lba += 2) {
      const { command, error } = registers(await peer.ask(writeFrame(lba, data, { tag: lba })));
      if (command === ata.STATUS_DRDY) continue;
      full++;
      expect([command & ata.STATUS_ERR, error]).toEqual([ata.STATUS_ERR, 0x04]);
    }
    expect(full).toBeGreaterThan(10);
    await served.until("No space left on device");
    expect(served.said().split("No space left").length - 1).toBe(1);
    // What was there before and what is elsewhere are as they were.
    const first = await peer.ask(readFrame(0, 2, { tag: 9_001 }));
    expect(Buffer.from(first.rest.subarray(0, 1024)).equals(Buffer.from(data))).toBe(true);
    const other = await peer.ask(writeFrame(0, data, { tag: 9_002, minor: 4 }));
    expect(registers(other).command).toBe(ata.STATUS_DRDY);
  }, 60_000);

  test("no frame reaches a file that the configuration does not name", async () => {
    const served = await serve(
      `[[export]]\naddress = "e7.3"\nfile = "${fresh(".img")}"\ncreate = "64k"\noffset = 8\nlength = 16\n`,
    );
    const secret = fresh(".secret");
    writeFileSync(secret, "SECRET".repeat(1000));
    const before = statSync(secret);
    const peer = new Peer();
    // Behind the end, in front of the offset, at other addresses, with names in strings and payloads.
    const outside = [16, 17, 120, 2 ** 28 - 1, 2 ** 32, 2 ** 47, 2 ** 48 - 1];
    for (const lba of outside) {
      for (const frame of [
        readFrame(lba, 1, { tag: lba % 2 ** 31 }),
        writeFrame(lba, pattern(1, 1), { tag: (lba % 2 ** 31) + 1 }),
      ]) {
        const answer = registers(await peer.ask(frame));
        expect(answer.command & ata.STATUS_ERR).toBe(ata.STATUS_ERR);
      }
    }
    for (let opcode = 0; opcode < 256; opcode++) {
      peer.send(
        ataFrame(
          { command: opcode, count: 1, lba: 3 },
          { tag: 0x5000 + opcode },
          new TextEncoder().encode(`${secret}\0`),
        ),
      );
    }
    expect(await peer.silent(readFrame(0, 1, { major: 8 }))).toBe(true);
    expect(peer.came.length).toBeGreaterThan(100);
    expect(peer.came.every(({ aoe: header }) => header.major === 7)).toBe(true);
    for (const { rest } of peer.came) expect(Buffer.from(rest).includes("SECRET")).toBe(false);
    const after = statSync(secret);
    expect([after.mtimeMs, after.size]).toEqual([before.mtimeMs, before.size]);
    // The process has no other file open than the image.
    const files = Bun.spawnSync(["sh", "-c", `ls -l /proc/${served.pid}/fd`]).stdout.toString();
    expect(files).not.toContain(".secret");
    const image = readFileSync(served.config, "utf8").match(/file = "(.*)"/)?.[1] ?? "";
    const bytes = readFileSync(image);
    // Nothing of what was written stands outside the 16 sectors that are served.
    expect(bytes.subarray(0, 8 * 512).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(24 * 512).every((byte) => byte === 0)).toBe(true);
  }, 60_000);

  test("export remove waits for what is in hand; what hangs is answered", async () => {
    const served = await serve(memory(3, 'service = "hang:100%"'));
    const control = await served.connect();
    const peer = new Peer();
    expect(await peer.silent(readFrame(0, 1, { tag: 77 }))).toBe(true);
    const removed = control.ask({ verb: "export remove", export: "e7.3" });
    await until("the answer of what hung", () =>
      peer.receive().some(({ aoe: header }) => header.tag === 77),
    );
    expect(await removed).toEqual({ ok: true });
    expect(await peer.silent(readFrame(0, 1))).toBe(true);
  });
});

/** Ticks of CPU time, 10 ms each. */
function cpuTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function onTheCommandLine(): void {
  const run = async (...words: string[]) => {
    const child = Bun.spawn([process.execPath, AOE, "target", ...words], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { out, err: err.trim(), code: await child.exited };
  };
  const file = (text: string): string => {
    const path = fresh(".toml");
    writeFileSync(path, text);
    return path;
  };
  const good = 'interfaces = ["nowhere0"]\n[[export]]\naddress = "e7.3"\nfile = "/nowhere.img"\n';

  test("--check only checks", async () => {
    const path = file(good);
    expect(await run("--config", path, "--check")).toEqual({
      out: `${path}: 1 exports on nowhere0\n`,
      err: "",
      code: 0,
    });
    const bad = await run("--config", file(good.replace("e7.3", "e7")), "--check");
    expect([bad.code, bad.out]).toEqual([2, ""]);
    expect(bad.err).toContain("line 3, [[export]] 1: Expected `address`");
  });

  test("what does not go together is refused", async () => {
    const path = file(good);
    for (const [words, part] of [
      [["--check"], "--config"],
      [["--config", path, "7"], "`7`"],
      [["--config", path, "-b", "4"], "`buffer_count`"],
      [["--config", path, "--delay", "1ms"], "`service`"],
      [["--config", path, "--user", "no-such-user"], "`no-such-user`"],
      [["--config", path, "--metrics", "9100"], "HOST:PORT"],
      [["--config", path, "--seed", "x"], "`x`"],
    ] as const) {
      const ended = await run(...words);
      expect([words, ended.code, ended.out]).toEqual([words, 2, ""]);
      expect(ended.err).toContain(part);
      expect(ended.err.split("\n")).toHaveLength(1);
    }
    const none = await run("--config", `${path}.none`);
    expect([none.code, none.err]).toEqual([
      5,
      `Can't read the configuration ${path}.none: no such file or directory`,
    ]);
  });
}

if (!insideLabTests) describe("a configuration on the command line", onTheCommandLine);

const rootOnly = process.getuid?.() === 0 ? "" : " (skipped: only root can become somebody else)";

const asRoot = rootOnly === "" ? test : test.skip;
if (!insideLabTests)
  asRoot(
    `--user: another user in every thread, who still serves, and opens an interface that comes back${rootOnly}`,
    async () => {
      const place = fresh(".d");
      const script = `
      PATH=$PATH:/usr/sbin:/sbin
      mkdir ${place}; chown 65534:65534 ${place}; chmod 755 ${directory}
      ip link add a0 type veth peer name b0; ip link set a0 up; ip link set b0 up
      cat > ${place}/c.toml <<END
interfaces = ["b0"]
control = "${place}/control"
state = "${place}/state"
user = "nobody"
[[export]]
address = "e7.3"
file = "${place}/a.img"
create = "64k"
END
      ${process.execPath} ${AOE} target --config ${place}/c.toml 2> ${place}/log & target=$!
      for i in $(seq 1500); do grep -q serves ${place}/log && break; sleep 0.02; done
      grep -h ^Uid: /proc/$target/task/*/status | sort -u
      stat -c "%u %a" ${place}/a.img ${place}/state ${place}/control
      ip link del a0; ip link add a0 type veth peer name b0; ip link set a0 up; ip link set b0 up
      for i in $(seq 1500); do grep -q "serving on b0" ${place}/log && break; sleep 0.02; done
      ${process.execPath} ${AOE} initiator discover -i a0
      ${process.execPath} ${AOE} target ctl --socket ${place}/control quit
      wait $target; echo "ended $?"; cat ${place}/log`;
      const child = Bun.spawn(
        [
          "setpriv",
          "--pdeathsig",
          "KILL",
          "unshare",
          "--net",
          "--fork",
          "--kill-child",
          "sh",
          "-c",
          script,
        ],
        {
          stdout: "pipe",
          stderr: "pipe",
          env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
        },
      );
      const out = await new Response(child.stdout).text();
      expect(out).toContain("Uid:\t65534\t65534\t65534\t65534\n65534 644\n65534 700\n65534 600\n");
      expect(out).toMatch(/^e7\.3 /m);
      expect(out).toContain("ended 0");
      expect(out).not.toContain("Uid:\t0");
    },
    60_000,
  );
