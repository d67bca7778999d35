// The counts see one more of anything, and nothing else: a link that does one thing more each time
// it transmits stands for the code of either side.

import { describe, expect, test } from "bun:test";
import { runChild } from "../machine/child.ts";
import { HEAP } from "./object_counts.ts";
import { COMMANDS } from "./counted_scene.ts";

const HERE = import.meta.dir;

/** What one more thing is, in a script: before each transmit of the counted side. */
const PLANTED = {
  nothing: "",
  object: "kept = { length };",
  call: "clock();",
  copy: "copyMemory(buffer, 0, elsewhere, 0, 8);",
} as const;

const SCENES = {
  initiator: 'initiatorScene({ strategy: "scan-swap", operation: 0, sectors: 1 }, ends, gate)',
  target: "targetScene({ opcode: 0x24, sectors: 1 }, ends, gate)",
} as const;

/** Of one scene: objects by type, or what was counted at the seams. */
async function counted(
  side: keyof typeof SCENES,
  plant: keyof typeof PLANTED,
  which: "heap" | "seams",
): Promise<Record<string, number>> {
  const from = (path: string): string => JSON.stringify(`${HERE}/${path}`);
  const script = `import { replaceSeams } from ${from("seams.ts")};
import { objectsOf } from ${from("object_counts.ts")};
const gate = { open: false };
const seams = replaceSeams({ gate, counted: ${which === "seams"}, clock: null });
const { initiatorScene } = await import(${from("initiator_scene.ts")});
const { targetScene } = await import(${from("target_scene.ts")});
const { memoryEnds } = await import(${from("memory_ends.ts")});
const { now: clock } = await import(${from("../../sys/clock.ts")});
const { copyMemory } = await import(${from("../../link/copy_memory.ts")});
const { addressedMemory } = await import(${from("../../link/addressed_memory.ts")});
let kept = null;
const elsewhere = addressedMemory(64);
const ends = memoryEnds("eager", 1500);
const send = ends.near.transmit.bind(ends.near);
ends.near.transmit = (buffer, length) => {
  ${PLANTED[plant]}
  return send(buffer, length);
};
const scene = ${SCENES[side]};
scene.run(500);
const found = ${which === "heap"}
  ? objectsOf((commands) => scene.run(commands), ${COMMANDS})
  : (seams.clear(), scene.run(${COMMANDS}), [...seams.counts.values()].flatMap((names) => [...names]));
process.stdout.write(JSON.stringify(Object.fromEntries(found)));`;
  const env = { ...process.env, ...HEAP };
  const { code, stdout, stderr } = await runChild([process.execPath, "-e", script], { env });
  expect(`${code} ${stderr}`).toBe("0 ");
  return JSON.parse(stdout) as Record<string, number>;
}

describe.each(["initiator", "target"] as const)("%s", (side) => {
  const copies = { copyMemory: COMMANDS, copyStart: COMMANDS };

  test("an object more per command is one of its type", async () => {
    expect(await counted(side, "nothing", "heap")).toEqual({});
    expect(await counted(side, "object", "heap")).toEqual({ Object: COMMANDS });
  }, 60_000);

  test("a call or a copy more per command is one by its name", async () => {
    expect(await counted(side, "nothing", "seams")).toEqual(copies);
    const call = await counted(side, "call", "seams");
    expect(call).toEqual({ ...copies, clock_gettime: COMMANDS });
    const copy = await counted(side, "copy", "seams");
    expect(copy).toEqual({ ...copies, copyMemory: COMMANDS * 2 });
  }, 60_000);
});
