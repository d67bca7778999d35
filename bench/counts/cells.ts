// What is counted: each side over each link, with each kind of pool or store. Loaded after the seams
// have been replaced.

import { writeFileSync } from "node:fs";
import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import { READ, WRITE } from "../../initiator/protocol/operation.ts";
import type { RawLinkOptions } from "../../initiator/session/raw_link.ts";
import { openFileStore } from "../../target/stores/file.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import * as ata from "../../wire/ata.ts";
import { makeScratch } from "../machine/scratch.ts";
import type { Ends, Gate, Scene, SetClock } from "./counted_scene.ts";
import { initiatorScene } from "./initiator_scene.ts";
import { memoryEnds } from "./memory_ends.ts";
import { packetEnds } from "./packet_ends.ts";
import { DISK, targetScene } from "./target_scene.ts";

export interface Cell {
  /** Side, link, workload. */
  readonly name: string;
  readonly open: () => Ends;
  readonly make: (ends: Ends, gate: Gate) => Scene;
}

const SIZES = [1, 8];
const DIRECTIONS = [
  { word: "read", operation: READ, opcode: ata.READ_EXT },
  { word: "write", operation: WRITE, opcode: ata.WRITE_EXT },
];
const WORKLOADS = SIZES.flatMap((sectors) =>
  DIRECTIONS.map(({ word, ...direction }) => {
    return { word: `${word}-${sectors * ata.SECTOR}`, sectors, ...direction };
  }),
);

const STORES = {
  memory: () => createMemoryStore(DISK),
  /** Without workers beside the loop: what they do comes when it comes. */
  file() {
    const path = `${makeScratch("counts").folder}/image`;
    // Written, so that the page cache has all of it.
    writeFileSync(path, new Uint8Array(DISK * ata.SECTOR));
    return openFileStore({ path });
  },
};

/** Commands of 4 KiB are four frames. */
export function memoryCells(): Cell[] {
  const initiators = STRATEGIES.flatMap((strategy) =>
    WORKLOADS.map(({ word, operation, sectors }): Cell => {
      return {
        name: `initiator memory ${word}/${strategy}`,
        open: () => memoryEnds("coalesce:8/1ms", 1500),
        make: (ends, gate) => initiatorScene({ strategy, operation, sectors }, ends, gate),
      };
    }),
  );
  return [...initiators, ...targets("memory", () => memoryEnds("eager", 9000))];
}

/** By the options of `aoe initiator`; a command is one frame. */
const LINKS: Readonly<Record<string, RawLinkOptions>> = {
  packet: { link: "packet", xdp: "off" },
  "packet-xdp": { link: "packet", xdp: "on" },
  ring: { link: "ring" },
  xdp: { link: "xdp" },
};

/** To be asked for in a lab with an MTU of 9000. */
export function packetCells(clock: SetClock): Cell[] {
  return Object.entries(LINKS).flatMap(([link, options]) => {
    const open = (): Ends => packetEnds(options, clock);
    const initiators = WORKLOADS.map(({ word, operation, sectors }): Cell => {
      const work = { strategy: "completion", operation, sectors } as const;
      return {
        name: `initiator ${link} ${word}/completion`,
        open,
        make: (ends, gate) => initiatorScene(work, ends, gate),
      };
    });
    return [...initiators, ...targets(link, open)];
  });
}

/** A store of files over the plain socket alone: what it does is the same over each link. */
function targets(link: string, open: () => Ends): Cell[] {
  const stores = Object.entries(STORES).filter(([kind]) => kind === "memory" || link === "packet");
  return stores.flatMap(([kind, store]) =>
    WORKLOADS.map(({ word, opcode, sectors }): Cell => {
      return {
        name: `target ${link} ${word}/${kind}`,
        open,
        make: (ends, gate) => targetScene({ opcode, sectors, store: store() }, ends, gate),
      };
    }),
  );
}
