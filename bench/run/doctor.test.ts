// What the doctor says of machines made by hand, and of this one.

import { expect, test } from "bun:test";
import { AOE } from "../../lab/programs.ts";
import { runChild } from "../machine/child.ts";
import { checksOf, exitCodeFor, type Seen } from "./doctor.ts";

const known = (value: string) => ({ value, reason: null });
const QUIET: Seen = {
  system: {
    governor: known("performance"),
    turbo: known("off"),
    smt: known("0"),
    clock_source: known("tsc"),
    hypervisor: known("none"),
  },
  cpus: 4,
  load: 0.1,
  stolen: 0,
  lab: null,
  late: null,
  has: () => true,
};

test("a quiet machine has nothing to mend", () => {
  const checks = checksOf(QUIET);
  expect(checks.filter(({ state }) => state !== "good")).toEqual([]);
  expect(exitCodeFor(checks)).toBe(0);
});

test.each([
  ["governor", { system: { ...QUIET.system, governor: known("powersave") } }, "spoils", 4],
  ["turbo", { system: { ...QUIET.system, turbo: known("on") } }, "spoils", 4],
  ["SMT", { system: { ...QUIET.system, smt: known("1") } }, "spoils", 4],
  ["clock source", { system: { ...QUIET.system, clock_source: known("hpet") } }, "spoils", 4],
  ["hypervisor", { system: { ...QUIET.system, hypervisor: known("KVM") } }, "spoils", 4],
  ["steal", { stolen: 0.02 }, "spoils", 4],
  ["other processes", { load: 2 }, "spoils", 4],
  ["CPUs", { cpus: 1 }, "spoils", 4],
  ["labs", { lab: "No namespaces." }, "absent", 5],
  ["late labs", { late: "No tbf." }, "absent", 4],
  ["perf", { has: (name: string) => name !== "perf" }, "absent", 4],
] as const)("%s", (name, seen, state, code) => {
  const checks = checksOf({ ...QUIET, ...seen });
  const bad = checks.filter((one) => one.state !== "good");
  expect(bad.map((one) => [one.check, one.state])).toEqual([[name, state]]);
  expect(bad[0]?.remedy).not.toBe("");
  expect(exitCodeFor(checks)).toBe(code);
});

test("what can't be read is unknown, with the reason, and no fault", () => {
  const governor = { value: null, reason: "no such file or directory" };
  const checks = checksOf({ ...QUIET, system: { ...QUIET.system, governor } });
  expect(checks[0]).toMatchObject({ state: "unknown", found: "no such file or directory" });
  expect(exitCodeFor(checks)).toBe(0);
});

test("of this machine: a table, JSON, and the code that its checks have", async () => {
  const run = await runChild([process.execPath, AOE, "bench", "doctor", "--json"]);
  const { kind, checks, provenance } = JSON.parse(run.stdout);
  expect(kind).toBe("aoe bench doctor");
  expect(run.code).toBe(exitCodeFor(checks));
  expect(run.stderr).toContain("clock source");
  expect(provenance.system.kernel_command_line.value).not.toBeNull();
});
