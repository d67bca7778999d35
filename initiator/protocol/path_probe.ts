// What one path carries: the largest request that arrives and the largest answer that comes back.
//
//   out    IDENTIFY, padded with bytes that a target tolerates (P18), up to our MTU
//   back   READ of sector 0 and its neighbours, up to what target and MTU allow
//
// Nothing is written. A size that gets lost is bisected: whatever drops large frames drops all above its MTU.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { LENGTH as ETHERNET } from "../../wire/ethernet.ts";
import type { Command } from "./command.ts";
import { OK } from "./command.ts";
import type { Perform } from "./control.ts";
import { paddedIdentify, readOfStart } from "./control_command.ts";
import type { Device } from "./device.ts";
import type { Path } from "./path.ts";

/** The shortest frame, behind the Ethernet header. */
const SHORTEST = 46;

export interface Carried {
  /** Bytes behind the Ethernet header that arrive at the target; 0: none do. */
  readonly out: number;
  /** Bytes behind the Ethernet header of the largest read answer that comes back; 0: none does. */
  readonly back: number;
  /** What was asked for at most. */
  readonly mostOut: number;
  readonly mostBack: number;
}

/** `timeout`: when a probe is given up, ns; each is sent twice at least where it is above two RTOs. */
export async function probePath(
  perform: Perform,
  device: Device,
  path: Path,
  timeout: number,
): Promise<Carried> {
  const { mtu } = path.port.link;
  const answers = async (command: Command, needed: number): Promise<boolean> => {
    command.path = path;
    command.timeout = timeout;
    await perform(device, command);
    return command.outcome === OK && command.answerLength >= needed;
  };
  const out = await largest(SHORTEST, mtu, (bytes) => answers(paddedIdentify(ETHERNET + bytes), 1));
  // A target in disorder may offer more sectors than it has.
  const sectors = Math.min(device.sectorCount, ata.sectorsWithin(mtu), device.sectors, 255);
  const back = await largest(0, sectors, (count) => {
    const data = ata.LENGTH - aoe.LENGTH + count * ata.SECTOR;
    return answers(readOfStart(device, count), data);
  });
  const bytes = (count: number): number => (count === 0 ? 0 : ata.MTU_HEADERS + count * ata.SECTOR);
  return { out, back: bytes(back), mostOut: mtu, mostBack: bytes(sectors) };
}

/** The largest of least … most that passes, the largest first; 0: not even the least (or the one above 0) does. */
async function largest(
  least: number,
  most: number,
  passes: (size: number) => Promise<boolean>,
): Promise<number> {
  if (await passes(most)) return most;
  let low = Math.max(1, least);
  if (low >= most || !(await passes(low))) return 0;
  let high = most;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await passes(middle)) low = middle;
    else high = middle;
  }
  return low;
}
