// The initiator's path: a command from its submit to its end, against the null target.

import { createPool, type StrategyName } from "../../initiator/pool/buffer_pool.ts";
import { Command, OK } from "../../initiator/protocol/command.ts";
import type { Device } from "../../initiator/protocol/device.ts";
import { createInitiator } from "../../initiator/protocol/initiator.ts";
import { addressedMemory } from "../../link/addressed_memory.ts";
import { iterate } from "../../link/loop.ts";
import { MS, US } from "../../words/quantity.ts";
import { createRandom } from "../../words/random.ts";
import { SECTOR } from "../../wire/ata.ts";
import { NullTarget } from "../run/null_target.ts";
import type { Ends, Gate, Scene } from "./counted_scene.ts";

const DISK = 65_536;
/** Turns after which an answer is taken to be lost. */
const PATIENCE = 10_000;

export interface InitiatorWork {
  readonly strategy: StrategyName;
  readonly operation: number;
  readonly sectors: number;
}

export function initiatorScene(work: InitiatorWork, ends: Ends, gate: Gate): Scene {
  const { strategy, operation, sectors } = work;
  const initiator = createInitiator({
    links: [ends.near],
    random: createRandom(1),
    clock: ends,
    kick: 1 * MS,
    rediscover: Number.POSITIVE_INFINITY,
    pool: (link, frameBytes) =>
      createPool({ link, frameBytes, strategy, preallocated: 16, cap: 64 }),
  });
  const target = new NullTarget([ends.far], DISK, 16);
  const found: Device[] = [];
  initiator.onEvent = (device, event) => {
    if (event === "identified") found.push(device);
  };

  function turn(): void {
    gate.open = true;
    iterate(initiator, ends.now());
    gate.open = false;
    ends.arrive(ends.near, ends.far);
    iterate(target, ends.now());
    ends.tick(10 * US);
    ends.arrive(ends.far, ends.near);
  }

  initiator.discover();
  for (let turns = 0; found.length === 0 && turns < PATIENCE; turns++) turn();
  const [device] = found;
  if (device === undefined) throw new Error("invariant: the null target is found");
  let ended = 0;
  const command = new Command();
  command.memory = addressedMemory(sectors * SECTOR);
  command.operation = operation;
  command.sectors = sectors;
  command.done = ({ outcome }) => {
    if (outcome !== OK) throw new Error(`invariant: the null target answers well, not ${outcome}`);
    ended++;
  };
  return {
    run(commands) {
      const last = ended + commands;
      while (ended < last) {
        const before = ended;
        command.lba = (command.lba + sectors) % DISK;
        gate.open = true;
        device.submit(command);
        gate.open = false;
        for (let turns = 0; ended === before; turns++) {
          if (turns === PATIENCE) throw new Error("invariant: a command ends");
          turn();
        }
      }
    },
  };
}
