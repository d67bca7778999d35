// A full disk under what a target or an initiator writes beside its work: capture, log, states. The work goes on.

import { afterAll, afterEach, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";

import { insideLabTests, testsInLab } from "./in_lab.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import {
  AOE,
  cleanUp,
  cleanups,
  fresh,
  memory,
  Peer,
  registers,
  removeFiles,
  serve,
  until,
} from "../doubles/lab_target.ts";
import { configFrame, pattern, readFrame, textOf, writeFrame } from "../doubles/probe.ts";

afterEach(cleanUp);
afterAll(removeFiles);

function sh(script: string): { code: number; out: string; err: string } {
  const run = Bun.spawnSync(["sh", "-c", `PATH=$PATH:/usr/sbin:/sbin; ${script}`]);
  return { code: run.exitCode, out: run.stdout.toString(), err: run.stderr.toString() };
}

/** A file system of so many bytes. */
function smallDisk(bytes: number): string {
  const disk = fresh(".mnt");
  expect(sh(`mkdir ${disk}; mount -t tmpfs -o size=${bytes} tmpfs ${disk}`).code).toBe(0);
  cleanups.push(() => sh(`umount -l ${disk}`));
  return disk;
}

testsInLab(import.meta.path, { mtu: 1500 }, () => {
  test("under --capture: it ends with one sentence, whole up to there, and every command is answered", async () => {
    const disk = smallDisk(65_536);
    const capture = `${disk}/all.pcap`;
    const served = await serve(memory(3), undefined, ["--capture", capture]);
    const peer = new Peer();
    const data = pattern(2, 4);
    for (let tag = 1; tag <= 400; tag++) {
      const frame = tag % 2 === 0 ? readFrame(tag % 100, 2, { tag }) : writeFrame(0, data, { tag });
      expect(registers(await peer.ask(frame)).command).toBe(ata.STATUS_DRDY);
    }
    await served.until("ends early");
    const sentence = `aoe target: The capture ${capture} ends early: no space is left there`;
    expect(served.said().split(sentence)).toHaveLength(2);
    for (let tag = 500; tag < 600; tag++) await peer.ask(readFrame(0, 2, { tag }));
    served.signal("SIGTERM");
    expect(await served.exited).toBe(0);
    expect(served.said()).not.toContain("fault");
    const decoded = sh(`${process.execPath} ${AOE} decode ${capture}`);
    expect([decoded.code, decoded.err]).toEqual([0, expect.stringMatching(/^\d+ frames/)]);
    expect(decoded.err).not.toContain("cut");
    // All but the last, which did not fit.
    expect(statSync(capture).size).toBeGreaterThan(60_000);
  });

  test("under the log: the target serves, and what is said when there is room again is there", async () => {
    const disk = smallDisk(4096);
    const log = `${disk}/log`;
    writeFileSync(log, "x".repeat(4090));
    const image = fresh(".img");
    const script = `exec ${process.execPath} ${AOE} target 7 3 b0 ${image} --create 64k 2>> ${log}`;
    const child = Bun.spawn(["sh", "-c", script], { stdout: "ignore" });
    cleanups.push(() => child.kill("SIGKILL"));
    await until("the image is made", () => existsSync(image));
    const peer = new Peer();
    await until("it answers", () => {
      peer.send(readFrame(0, 1, { tag: 7 }));
      Bun.sleepSync(50);
      return peer.receive().some(({ aoe: { tag } }) => tag === 7);
    });
    writeFileSync(log, "");
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    expect(readFileSync(log, "utf8")).toContain("e7.3: ");
  });

  test("under --state: the change is refused, the cause said once, the rest goes on", async () => {
    const disk = smallDisk(4096);
    // One page is there, and it is taken.
    writeFileSync(`${disk}/other`, "x");
    const served = await serve(
      `${memory(3)}${memory(4)}`,
      `interfaces = ["b0"]\nstate = "${disk}"`,
    );
    const peer = new Peer();
    for (let tag = 1; tag <= 3; tag++) {
      const answer = await peer.ask(configFrame(config.SET, `text ${tag}`, { tag }));
      expect([answer.aoe.error, textOf(answer)]).toEqual([aoe.ERROR_UNAVAILABLE, ""]);
    }
    expect(served.said().split("saving").length - 1).toBe(1);
    expect(served.said()).toContain(`${disk}/e7.3.json failed: No space left on device`);
    await peer.ask(readFrame(0, 1, { tag: 10, minor: 4 }));
    sh(`rm ${disk}/other`);
    expect(textOf(await peer.ask(configFrame(config.SET, "kept", { tag: 11 })))).toBe("kept");
  });

  test("under the initiator's --capture, and under its words: it reads to the end, exit 0", async () => {
    const image = fresh(".img");
    const data = pattern(512, 3);
    writeFileSync(image, data);
    await serve(`[[export]]\naddress = "e7.3"\nfile = "${image}"\n`);
    const disk = smallDisk(32_768);
    const capture = `${disk}/read.pcap`;
    const out = fresh(".out");
    const read = `${process.execPath} ${AOE} initiator read e7.3 -i a0 -o ${out} --force`;
    const captured = sh(`${read} --capture ${capture}`);
    expect([captured.code, captured.out]).toEqual([0, ""]);
    expect(captured.err).toContain(`The capture ${capture} ends early: no space is left there`);
    expect(new Uint8Array(readFileSync(out))).toEqual(data);
    expect(sh(`${process.execPath} ${AOE} decode ${capture}`).code).toBe(0);
    writeFileSync(out, "");
    expect(sh(`${read} 2>/dev/full`).code).toBe(0);
    expect(new Uint8Array(readFileSync(out))).toEqual(data);
  });

  test("under --hgrm, --hlog and --trace of a load: the figures are there, each file is said, exit 5", async () => {
    await serve(memory(3));
    const log = fresh(".hlog");
    const load = sh(
      `${process.execPath} ${AOE} bench load e7.3 --interface a0 --runtime 200ms --ramp-time 0s --size 64k --json --hgrm /dev/full --trace /dev/full --hlog ${log}`,
    );
    expect(load.err.split("Can't write /dev/full")).toHaveLength(3);
    expect(load.err).toContain("IOPS");
    expect(JSON.parse(load.out)).toBeObject();
    expect(readFileSync(log, "utf8")).toContain("HIST");
    expect(load.code).toBe(5);
  });
});

if (!insideLabTests) {
  test("a command that ends with a sentence for a full stderr has the exit code of the sentence", () => {
    expect(sh(`${process.execPath} ${AOE} decode /none.pcap 2>/dev/full`).code).toBe(5);
    expect(sh(`${process.execPath} ${AOE} decode /none.pcap 2>&-`).code).toBe(5);
  });
}
