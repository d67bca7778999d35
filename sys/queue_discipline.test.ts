// Whether an interface has a queue discipline: its own, and true where nothing is told of it.

import { expect, test } from "bun:test";

import { inNamespace, inShell } from "../testing/suites/in_namespace.ts";
import { findInterface } from "./interface.ts";
import { hasQueueDiscipline } from "./queue_discipline.ts";

if (inNamespace(import.meta.path)) {
  test("each interface's own, as tc sets it", () => {
    const [a, b] = ["va", "vb"].map((name) => findInterface(name).index);
    const told = () => [a, b].map((index) => hasQueueDiscipline(index ?? 0));
    expect(told()).toEqual([false, false]);
    inShell("tc qdisc add dev vb root pfifo");
    expect(told()).toEqual([false, true]);
    inShell("tc qdisc add dev va clsact");
    expect(told()).toEqual([true, true]);
    inShell("tc qdisc del dev vb root; tc qdisc del dev va clsact");
    expect(told()).toEqual([false, false]);
    expect(hasQueueDiscipline(9999)).toBe(true);
  });
}
