// Frames that can never leave, at one end or the other: the one who sends them counts them as lost, serves what is
// shorter meanwhile, and the initiator falls back to frames that pass. Under the virtual clock, then with a target
// process over raw sockets whose queue discipline has a bucket of 4 KB.

import { afterAll, afterEach, describe, expect, test } from "bun:test";

import { insideLabTests, testsInLab } from "../../testing/suites/in_lab.ts";
import {
  AOE,
  cleanUp,
  fresh,
  memory as exported,
  removeFiles,
  serve,
} from "../../testing/doubles/lab_target.ts";
import { createProbe, discovery, readFrame } from "../../testing/doubles/probe.ts";
import { PATIENCE } from "../../link/refusals.ts";
import { inShell } from "../../testing/suites/in_namespace.ts";
import { OK } from "./command.ts";
import { makeCommand, Scripted } from "../../testing/doubles/scripted_peer.ts";
import { READ, WRITE } from "./operation.ts";

const JUMBO = { mtu: 9000, sectorCount: 17 };
/** Ethernet's header and an MTU of 1500. */
const SMALL = 1514;

describe.skipIf(insideLabTests)("under the virtual clock", () => {
  test.each([
    ["a write by the initiator", WRITE, 0, 0],
    ["the answer to a read", READ, 1, 0],
    // So that the time-out is longer than the silence after which a path is proved again.
    ["the answer to a read, where the first round trip took 800 ms,", READ, 1, 400e6],
  ])("%s that never leaves ends in small frames", (_, operation, port, latency) => {
    const peer = new Scripted({ ...JUMBO, latency });
    const device = peer.find();
    peer.fabric.setLatency(Math.min(latency, 1e6));
    peer.fabric.obstruct(port, SMALL);
    let ended = -1;
    const command = makeCommand(operation, 0, 17);
    command.memory?.bytes.fill(7);
    command.done = ({ outcome }) => {
      ended = outcome;
    };
    device.submit(command);
    peer.run(() => ended >= 0, 60e9);
    expect(ended).toBe(OK);
    expect(device.sectorsPerFrame).toBe(2);
    expect(device.counters.fallBacks).toBe(1);
    const { bytes } = command.memory as { bytes: Uint8Array };
    expect(bytes).toEqual(peer.image.slice(0, 17 * 512));
    // Lost frames went out as any other does: each has its place in the counts.
    expect(command.transmits).toBeGreaterThan(9);
  });

  test("the target's next answers go, and it does not spin", () => {
    const probe = createProbe({ mtu: 9000 });
    const link = probe.target.ports[0]?.link;
    if (link === undefined) throw new Error("a probe has a port");
    probe.network.obstruct(0, SMALL);
    let tries = 0;
    const { transmit } = link;
    link.transmit = (buffer, length) => {
      if (length > SMALL) tries++;
      return transmit.call(link, buffer, length);
    };
    for (let tag = 1; tag <= 40; tag++) probe.send(readFrame(0, 17, { tag }));
    probe.send(discovery({ tag: 77 }));
    probe.run(PATIENCE / 2);
    expect(probe.target.inHand).toBe(41);
    const came = probe.run(PATIENCE).map(({ aoe }) => aoe.tag);
    expect(came).toEqual([77]);
    expect(probe.target.inHand).toBe(0);
    expect(link.counters.transmitErrors).toBe(40);
    expect(tries).toBeLessThan(300);
    // From now on the others don't wait for one that is lost anyhow.
    probe.send(readFrame(0, 17, { tag: 100 }));
    probe.send(readFrame(0, 2, { tag: 101 }));
    expect(probe.run(0).map(({ aoe }) => aoe.tag)).toEqual([101]);
    probe.network.obstruct(0, Infinity);
    expect(probe.ask(readFrame(0, 17, { tag: 102 }))).toHaveLength(1);
  });

  test("a link without room is asked less and less often, and at once again when it had some", () => {
    const probe = createProbe();
    const link = probe.target.ports[0]?.link;
    if (link === undefined) throw new Error("a probe has a port");
    probe.network.congest(0, true);
    probe.send(readFrame(0, 1, { tag: 1 }));
    for (let ms = 0; ms < 100; ms++) {
      // Frames that come in meanwhile, as a spinning loop's turns, are no reason to try.
      probe.send(readFrame(0, 1, { tag: 2 + ms }));
      probe.run(1e6);
    }
    expect(link.counters.transmitBusy).toBeLessThan(120);
    probe.network.congest(0, false);
    expect(probe.run(1e6).length).toBe(64);
    probe.network.congest(0, true);
    probe.send(readFrame(0, 1, { tag: 500 }));
    probe.run(0);
    probe.network.congest(0, false);
    expect(probe.run(50e3)).toHaveLength(1);
  });
});

afterAll(removeFiles);

testsInLab(import.meta.path, { mtu: 9000 }, () => {
  afterEach(cleanUp);
  const BUCKET = "root tbf rate 100mbit burst 4kb latency 50ms";

  /** Where a busy machine makes the first round trip one of hundreds of ms, five doubled time-outs are many seconds. */
  const PATIENT = ["--timeout", "40s"];

  function aoe(...words: string[]): { readonly code: number; readonly said: string } {
    const run = Bun.spawnSync([process.execPath, AOE, "initiator", ...words, ...PATIENT]);
    return { code: run.exitCode, said: `${run.stdout.toString()}${run.stderr.toString()}` };
  }

  test("a queue discipline that never takes a large frame, at the target and at the initiator", async () => {
    const served = await serve(exported(3));
    const client = await served.connect();
    const port = async (): Promise<Record<string, number>> => {
      const { interfaces } = await client.ask({ verb: "stats" });
      return (interfaces as Record<string, number>[])[0] as Record<string, number>;
    };
    inShell(`tc qdisc add dev b0 ${BUCKET}`);
    const file = fresh(".out");
    const read = aoe("read", "e7.3", "-i", "a0", "--size", "17k", "-o", file);
    expect([read.code, read.said]).toEqual([0, expect.stringContaining("small")]);
    expect(aoe("discover", "-i", "a0").said).toContain("e7.3");
    const { tx_errors: lost, backlog } = await port();
    expect(lost).toBeGreaterThanOrEqual(5);
    expect(backlog).toBe(0);
    inShell("tc qdisc del dev b0 root");
    inShell(`tc qdisc add dev a0 ${BUCKET}`);
    const data = crypto.getRandomValues(new Uint8Array(17 * 512));
    await Bun.write(file, data);
    const write = aoe("write", "e7.3", "-i", "a0", file);
    expect([write.code, write.said]).toEqual([0, expect.stringContaining("small")]);
    inShell("tc qdisc del dev a0 root");
    const back = fresh(".back");
    expect(aoe("read", "e7.3", "-i", "a0", "--size", `${data.length}`, "-o", back).code).toBe(0);
    expect(await Bun.file(back).bytes()).toEqual(data);
  }, 90_000);
});
