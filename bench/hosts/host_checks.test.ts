import { expect, test } from "bun:test";
import { parseHosts } from "../job/hosts.ts";
import { faultsOf, faultsTogether, poorStart, type Seen, warningsAbout } from "./host_checks.ts";
import type { Look } from "./host_orders.ts";

const WELL: Look = {
  kernel: "6.1.0-18-amd64",
  cpu: "a CPU",
  user: "joe",
  cpus: [3],
  interface: { mtu: 9000, up: true, driver: "tg3" },
  others: ["eno1 (up, 1500)", "eth1 (up, 9000)"],
  carries_ssh: false,
  raw: null,
  held: null,
  folder: "/tmp/x",
  facts: { state: { irq_affinity: { value: "24 on 0-1, 25 on 2" } } },
  provenance: {},
};

function seen(look: Partial<Look>, keys = ""): Seen {
  const [host] = parseHosts(`[hosts.ini]\ninterface = "eth1"\n${keys}`, "lab.toml");
  if (host === undefined) throw new Error("a host");
  return { host, look: { ...WELL, ...look } };
}

test("a host that is as the job expects has no fault", () => {
  const keys = 'mtu = 9000\ndriver = "tg3"\nkernel = "6.1."';
  expect(faultsOf(seen({}, keys))).toEqual([]);
  expect(faultsTogether([seen({}), seen({})])).toEqual([]);
  expect(warningsAbout(seen({}), 5e4)).toEqual([]);
});

test.each<[Partial<Look>, string, string]>([
  [{ interface: null }, "", "there is no eth1; it has: eno1 (up, 1500), eth1 (up, 9000)"],
  [{ held: "joe, since 14:02" }, "", "eth1 is in use by another run (joe, since 14:02)"],
  [{ carries_ssh: true }, "", "ssh comes in by eth1, so its frames would be in the figures"],
  [{ interface: { mtu: 9000, up: false, driver: null } }, "", "eth1 is down"],
  [{ raw: "No" }, "", 'user joe may not open raw sockets. Say `become = "sudo"`'],
  [{ raw: "No" }, 'become = "sudo"', "user joe may not open raw sockets, in spite of"],
  [{}, "mtu = 1500", "eth1 has MTU 9000, where the job expects 1500"],
  [{}, 'driver = "igb"', "eth1 has driver tg3, where the job expects igb"],
  [{}, 'kernel = "6.10"', "it runs kernel 6.1.0-18-amd64, where the job expects 6.10"],
])("%o with %p is told", (look, keys, sentence) => {
  expect(faultsOf(seen(look, keys)).map((fault) => fault.slice(0, 5 + sentence.length))).toEqual([
    `ini: ${sentence}`,
  ]);
});

test("MTUs that differ among hosts", () => {
  const other = seen({ interface: { mtu: 1500, up: true, driver: null } });
  expect(faultsTogether([seen({}), other])[0]).toStartWith("The MTU differs: ini 9000, ini 1500.");
});

test("interrupts on the same CPU, and a clock that is poorly known", () => {
  expect(warningsAbout(seen({ cpus: [1] }), 9e6)).toEqual([
    "ini: eth1's interrupts come to CPU 0, 1, 2, as its target or load: pin one of them elsewhere",
    "ini: clock within ±9.0 ms only: `start_spread` can't be judged finer",
  ]);
});

test("a poor start is told with the worst of it", () => {
  expect(poorStart([{ overlap: 0.995, spread_ns: 1e6 }])).toBeNull();
  const starts = [
    { overlap: 1, spread_ns: 0 },
    { overlap: 0.93, spread_ns: 12e6 },
  ];
  const said = poorStart(starts);
  expect(said).toStartWith("In 1 of 2 trials the loads had less than 99 % of their measured time");
  expect(said).toEndWith("(93 % or more, begun within 12 ms): a host woke late.");
});
