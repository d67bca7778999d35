// Facts of a machine that is a folder, and of one without any.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { interfaceState, systemFacts } from "./system_facts.ts";

const root = mkdtempSync(join(tmpdir(), "aoe-facts-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const FILES = {
  "proc/cmdline": "quiet isolcpus=1\n",
  "proc/cpuinfo": "microcode\t: 0xf4\nflags\t\t: fpu hypervisor\n",
  "proc/irq/24/smp_affinity_list": "0-1\n",
  "sys/devices/system/cpu/smt/active": "1\n",
  "sys/devices/system/cpu/intel_pstate/no_turbo": "0\n",
  "sys/devices/system/cpu/vulnerabilities/meltdown": "Mitigation: PTI\n",
  "sys/class/dmi/id/product_name": "Virtual Machine\n",
  "sys/class/net/eth9/queues/tx-0/byte_queue_limits/limit_max": "1879048192\n",
  "sys/class/net/eth9/device/msi_irqs/24": "",
};
for (const [path, text] of Object.entries(FILES)) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

test("each fact is read, or null with the reason", () => {
  const known = (value: string) => ({ value, reason: null });
  const absent = { value: null, reason: "no such file or directory" };
  expect(systemFacts(root)).toEqual({
    kernel_command_line: known("quiet isolcpus=1"),
    smt: known("1"),
    governor: absent,
    clock_source: absent,
    default_qdisc: absent,
    turbo: known("on"),
    microcode: known("0xf4"),
    hypervisor: known("Virtual Machine"),
    vulnerability_meltdown: known("Mitigation: PTI"),
  });
  const nothing = Object.values(systemFacts(join(root, "nowhere")));
  expect(nothing.map(({ value }) => value)).toEqual(nothing.map(() => null));
  expect(nothing.every(({ reason }) => reason !== null)).toBe(true);
});

test("of an interface too", () => {
  const run = (name: string, ...words: string[]): string => {
    if (words[0] === "-g") throw new Error("Operation not supported");
    return `${name} ${words.join(" ")}\n`;
  };
  expect(interfaceState("eth9", run, root)).toEqual({
    driver: { value: "ethtool -i eth9", reason: null },
    rings: { value: null, reason: "Operation not supported" },
    queues: { value: "ethtool -l eth9", reason: null },
    byte_queue_limits: { value: "tx-0 1879048192", reason: null },
    irq_affinity: { value: "24 on 0-1", reason: null },
    qdisc: { value: "tc qdisc show dev eth9", reason: null },
  });
});
