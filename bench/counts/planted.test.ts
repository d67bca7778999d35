// The counts see one more of anything, and nothing else: a link that does one thing more each time
// it transmits stands for the code of either side.

import { describe, expect, test } from "bun:test";
import { labCommandLine, labEnv, probeLab } from "../../lab/lab.ts";
import { runChild } from "../machine/child.ts";
import { COMMANDS } from "./counted_scene.ts";
import { HEAP } from "./object_counts.ts";

const HERE = import.meta.dir;
const LAB = { mtu: 9000 };
const lab = probeLab(LAB);
const WITHOUT = lab.available ? "" : ` (skipped: ${lab.reason})`;

/** What one more thing is, in a script: before each transmit of the counted side. */
const PLANTED = {
  nothing: "",
  object: "kept = { length };",
  "reading of the clock": "now();",
  "system call": "usage();",
  copy: "copyMemory(buffer, 0, elsewhere, 0, 8);",
} as const;

const SCENES = {
  initiator: 'initiatorScene({ strategy: "scan-swap", operation: 0, sectors: 1 }, ends, gate)',
  target: `targetScene(
    { opcode: 0x24, sectors: 1, store: createMemoryStore(DISK) }, ends, gate,
  )`,
} as const;

const ENDS = {
  memory: 'memoryEnds("eager", 1500)',
  packet: 'packetEnds({ link: "packet", xdp: "off" }, clock)',
} as const;

interface Counted {
  readonly side: keyof typeof SCENES;
  readonly link: keyof typeof ENDS;
  readonly plant: keyof typeof PLANTED;
  readonly which: "heap" | "seams";
}

/** Of one scene: objects by type, or what was counted at the seams. */
async function counted(what: Counted): Promise<Record<string, number>> {
  const words = [process.execPath, "-e", script(what)];
  const inLab = what.link === "packet";
  const env = { ...(inLab ? labEnv(LAB) : process.env), ...HEAP };
  const run = await runChild(inLab ? labCommandLine(words, LAB) : words, { env });
  expect(`${run.code} ${run.stderr}`).toBe("0 ");
  return JSON.parse(run.stdout) as Record<string, number>;
}

function script({ side, link, plant, which }: Counted): string {
  const from = (path: string): string => JSON.stringify(`${HERE}/${path}`);
  const clock = link === "packet" ? "clock" : "null";
  const count =
    which === "heap"
      ? "objectsOf((commands) => scene.run(commands), COMMANDS)"
      : "atSeams(() => scene.run(COMMANDS))";
  return `import { replaceSeams } from ${from("seams.ts")};
import { objectsOf } from ${from("object_counts.ts")};
const COMMANDS = ${COMMANDS};
const gate = { open: false };
let time = 1e9;
const clock = { now: () => time, set: (at) => { time = at; } };
const seams = replaceSeams({ gate, counted: ${which === "seams"}, clock: ${clock} });
const { initiatorScene } = await import(${from("initiator_scene.ts")});
const { DISK, targetScene } = await import(${from("target_scene.ts")});
const { memoryEnds } = await import(${from("memory_ends.ts")});
const { packetEnds } = await import(${from("packet_ends.ts")});
const { now } = await import(${from("../../sys/clock.ts")});
const { usage } = await import(${from("../../sys/usage.ts")});
const { copyMemory } = await import(${from("../../link/copy_memory.ts")});
const { addressedMemory } = await import(${from("../../link/addressed_memory.ts")});
const { createMemoryStore } = await import(${from("../../target/stores/memory.ts")});
let kept = null;
const elsewhere = addressedMemory(64);
const ends = ${ENDS[link]};
const send = ends.near.transmit.bind(ends.near);
ends.near.transmit = (buffer, length) => {
  ${PLANTED[plant]}
  return send(buffer, length);
};
const scene = ${SCENES[side]};
scene.run(COMMANDS);
function atSeams(work) {
  seams.clear();
  work();
  return [...seams.counts.values()].flatMap((names) => [...names]);
}
process.stdout.write(JSON.stringify(Object.fromEntries(${count})));`;
}

describe.each(["initiator", "target"] as const)("%s", (side) => {
  const copies = { copyMemory: COMMANDS, copyStart: COMMANDS };
  const inMemory = (plant: Counted["plant"], which: Counted["which"]) =>
    counted({ side, link: "memory", plant, which });
  const overSocket = (plant: Counted["plant"], which: Counted["which"]) =>
    counted({ side, link: "packet", plant, which });

  test("an object more per command is one of its type", async () => {
    expect(await inMemory("nothing", "heap")).toEqual({});
    expect(await inMemory("object", "heap")).toEqual({ Object: COMMANDS });
  }, 60_000);

  test.each([
    ["nothing", copies],
    ["reading of the clock", { ...copies, clock_gettime: COMMANDS }],
    ["system call", { ...copies, getrusage: COMMANDS }],
    ["copy", { ...copies, copyMemory: COMMANDS * 2 }],
  ] as const)(
    "%s more per command is one by its name",
    async (plant, found) => {
      expect(await inMemory(plant, "seams")).toEqual({ ...found });
    },
    60_000,
  );

  test.skipIf(!lab.available)(
    `a system call and an object more are seen over raw sockets${WITHOUT}`,
    async () => {
      const plain = await overSocket("nothing", "seams");
      expect(plain).toMatchObject({ send: COMMANDS, copyMemory: COMMANDS });
      const more = await overSocket("system call", "seams");
      expect(more).toEqual({ ...plain, getrusage: COMMANDS });
      expect(await overSocket("nothing", "heap")).toEqual({});
      expect(await overSocket("object", "heap")).toEqual({ Object: COMMANDS });
    },
    60_000,
  );
});
