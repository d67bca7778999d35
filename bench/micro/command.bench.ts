// What a command costs the load and the initiator together, from its place in the workload to its figures, with
// nothing beneath: no system call, no target. Batches of answers as a busy link brings them.

import { createInitiator } from "../../initiator/protocol/initiator.ts";
import type { Device } from "../../initiator/protocol/device.ts";
import { createPool } from "../../initiator/pool/buffer_pool.ts";
import type { Core } from "../../link/loop.ts";
import { iterate } from "../../link/loop.ts";
import { now as look } from "../../sys/clock.ts";
import { mapMemory } from "../../sys/memory.ts";
import { createRandom } from "../../words/random.ts";
import { SECTOR } from "../../wire/ata.ts";
import { AsRoomAllows } from "../load/arrivals.ts";
import { Load } from "../load/load.ts";
import { type Order, Workload } from "../load/workload.ts";
import type { MicroCase } from "./micro_case.ts";
import { mirrorLink } from "./mirror_link.ts";

const DEPTH = 64;
/** Answers of one turn. */
const BATCH = 4;

/** Costs what the clock costs; a pause of the measurement is none of the run's, which would send all again. */
let time = 0;
function now(): number {
  look();
  time += 100;
  return time;
}

function loop(rw: Order, bs: number): () => void {
  const link = mirrorLink(BATCH, 256, now);
  const random = createRandom(1);
  const initiator = createInitiator({
    links: [link],
    random,
    pool: (on, frameBytes) =>
      createPool({ strategy: "completion", link: on, frameBytes, preallocated: 16, cap: 256 }),
    clock: { now },
  });
  let found: Device | null = null;
  initiator.onEvent = (device, event) => {
    if (event === "identified") found = device;
  };
  initiator.discover();
  for (let step = 0; step < 8; step++) iterate(initiator, now());
  const device = found as Device | null;
  if (device === null) throw new Error("invariant: the mirror is found");
  const spec = { rw, bs, offset: 0, size: 0, rwmixread: 50 };
  const workload = new Workload(spec, device.sectors * SECTOR, random);
  const plan = { iodepth: DEPTH, rampTime: 0, runtime: 1e15, bs };
  const memory = mapMemory(DEPTH * bs);
  const load = new Load(plan, workload, new AsRoomAllows(), null, device, memory, now());
  const core: Core = {
    ports: initiator.ports,
    begin: (at) => initiator.begin(at),
    advance(begun) {
      const at = now();
      initiator.begin(at);
      load.advance(at);
      initiator.advance(begun);
    },
    nextDeadline: () => Math.min(load.nextDeadline(), initiator.nextDeadline()),
  };
  iterate(core, now());
  return () => {
    const frames = iterate(core, now());
    if (frames !== BATCH) throw new Error(`invariant: ${BATCH} answers a turn, got ${frames}`);
  };
}

export const COMMAND_CASES: readonly MicroCase[] = [
  ["randread", 512],
  ["randwrite", 512],
  ["randread", 4096],
  ["randwrite", 4096],
].map(([rw, bs]) => ({
  name: `command ${rw} ${bs}`,
  about: `${BATCH} commands of the load and the initiator's turn around them, ${DEPTH} outstanding, no system call`,
  make: () => loop(rw as Order, bs as number),
}));
