// A session through what may happen to its interface, and one on the loopback, against a target process.

import { afterAll, afterEach, expect, test } from "bun:test";

import { testsInLab } from "../../testing/suites/in_lab.ts";
import { inShell } from "../../testing/suites/in_namespace.ts";
import { cleanUp, cleanups, removeFiles, serve } from "../../testing/doubles/lab_target.ts";
import { pattern } from "../../testing/doubles/probe.ts";
import { type AoeInitiator, type OpenOptions, openInitiator } from "../library.ts";

const DISK = '[[export]]\naddress = "e7.3"\nmemory = "1m"';

async function connect(options: OpenOptions): Promise<AoeInitiator> {
  const initiator = await openInitiator({ mode: "frugal", ...options });
  cleanups.push(() => initiator.close());
  return initiator;
}

afterAll(removeFiles);

testsInLab(import.meta.path, { mtu: 9000 }, () => {
  afterEach(cleanUp);

  test.each(["packet", "ring"] as const)(
    "on an interface that is deleted and made again (%s): said, and the requests in hand are answered",
    async (link) => {
      const served = await serve(DISK);
      const said: string[] = [];
      const initiator = await connect({
        interface: "a0",
        link,
        timeout: "60s",
        onNotice: (sentence) => said.push(sentence),
      });
      const device = await initiator.device("e7.3", { wait: "5s" });
      const data = pattern(40, 1);
      await device.write(10, data);
      inShell("ip link del a0");
      const reading = device.read(10, 40);
      const writing = device.write(500, data);
      await Bun.sleep(500);
      inShell(
        "ip link add a0 mtu 9000 type veth peer name b0 mtu 9000; ip link set a0 up; ip link set b0 up",
      );
      expect(await reading).toEqual(data);
      await writing;
      expect(await device.read(500, 40)).toEqual(data);
      expect(said).toContain("Interface a0 is gone");
      expect(said).toContain("Interface a0 is there again");
      expect(served.said()).toContain("serving on b0");
      inShell("ip link set a0 address 02:00:00:00:00:a0; ip link set b0 address 02:00:00:00:00:b0");
    },
    60_000,
  );

  test("on the loopback, where everyone's address is zero: read, written, reserved", async () => {
    inShell("ip link set lo up");
    const served = await serve(DISK, 'interfaces = ["lo"]');
    expect(served.said()).toContain("on lo (00:00:00:00:00:00), mtu 65536, 127 sectors a command");
    const [one, two] = [
      await connect({ interface: "lo" }),
      await connect({ interface: "lo", link: "ring", writeLane: true }),
    ];
    const found = await one.discover();
    expect(found.map(({ address, macs }) => [address, macs])).toEqual([
      ["e7.3", ["00:00:00:00:00:00"]],
    ]);
    const device = await one.device("e7.3");
    const other = await two.device("e7.3");
    expect(device.sectorsPerFrame).toBe(127);
    const data = pattern(1000, 2);
    await device.write(7, data);
    // Both hear each other's answers.
    const [read, again] = await Promise.all([device.read(7, 1000), other.read(7, 1000)]);
    expect(Buffer.compare(read, data)).toBe(0);
    expect(Buffer.compare(again, data)).toBe(0);
    await device.flush();
    expect(await device.reserve.set()).toEqual(["00:00:00:00:00:00"]);
    expect(await other.read(0, 1)).toHaveLength(512);
    expect(one.stats().map(({ receive_drops: drops }) => drops)).toEqual([0]);
  }, 60_000);
});
