// How often what the rules are about has happened in a run, so that one sees what was tried.

import type { Device } from "../../initiator/protocol/device.ts";
import { type OutcomeFigures, outcomeFigures } from "../../initiator/protocol/outcomes.ts";
import type { PortCounters } from "../../target/protocol/counters.ts";
import type { ScenarioEvent } from "./scenario.ts";
import type { World } from "./world.ts";
import type { PoolMetrics } from "../../initiator/pool/snapshot.ts";

export interface Figures extends OutcomeFigures {
  readonly commands: number;
  readonly frames: number;
  readonly virtual_ns: number;
  readonly retransmits: number;
  readonly held_back: number;
  readonly duplicates_dropped: number;
  readonly duplicates_answered: number;
  readonly dry: number;
  readonly kicks: number;
  readonly kick_stall_ns: number;
  readonly allocations: number;
  readonly fall_backs: number;
  readonly obstructions: number;
  readonly swallowed: number;
  readonly takeovers: number;
  readonly address_changes: number;
  readonly claims: number;
  readonly resizes: number;
  readonly crashes: number;
  readonly sectors_lost: number;
  readonly stale_writes: number;
}

/** Of the world as it stands. */
export function figuresOf(world: World): Figures {
  return {
    commands: world.scene.ended,
    frames: world.wires.reduce((sum, wire) => sum + wire.counters.transmitted, 0),
    virtual_ns: world.clock.now(),
    ...outcomeFigures((outcome) =>
      world.clients.reduce((sum, client) => sum + (client.outcomes[outcome] ?? 0), 0),
    ),
    retransmits: sumDevices(world, ({ counters }) => counters.retransmits),
    held_back: sumDevices(world, ({ counters }) => counters.heldBack),
    duplicates_dropped: ports(world, "duplicatesDropped"),
    duplicates_answered: ports(world, "duplicatesAnswered"),
    dry: pools(world, "dry"),
    kicks: pools(world, "kicks"),
    kick_stall_ns: pools(world, "kickStall"),
    allocations: pools(world, "allocations"),
    fall_backs: sumDevices(world, ({ counters }) => counters.fallBacks),
    obstructions: happened(world, "obstruct"),
    swallowed: world.wires.reduce((sum, wire) => sum + wire.swallowed, 0),
    takeovers: happened(world, "takeover"),
    address_changes: happened(world, "mac"),
    claims: happened(world, "claim"),
    resizes: happened(world, "resize"),
    crashes: world.machines.reduce((sum, machine) => sum + machine.crashes, 0),
    sectors_lost: world.disks.reduce((sum, disk) => sum + disk.lost, 0),
    stale_writes: world.disks.reduce((sum, disk) => sum + disk.staleWrites, 0),
  };
}

function happened(world: World, kind: ScenarioEvent["kind"]): number {
  return world.scene.happened.get(kind) ?? 0;
}

/** A sum over all devices of all initiators. */
export function sumDevices(world: World, figure: (device: Device) => number): number {
  let sum = 0;
  for (const { devices } of world.initiators) for (const device of devices) sum += figure(device);
  return sum;
}

function pools(world: World, key: keyof PoolMetrics): number {
  return sumDevices(world, (device) => {
    let sum = 0;
    for (const pool of device.pools) if (pool !== null) sum += pool.metrics[key];
    return sum;
  });
}

function ports(world: World, key: keyof PortCounters): number {
  let sum = 0;
  for (const { target } of world.machines) {
    for (const { counters } of target?.ports ?? []) sum += counters[key];
  }
  return sum;
}
