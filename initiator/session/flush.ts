// Making durable what was written, at targets that can't: some abort the flush that their IDENTIFY sector announces,
// some don't know it, some don't answer it and go on answering everything else.
//
// Whether that loses anything is told by the write cache: where it is off, a write that was answered is on its
// medium.

import { addressedMemory } from "../../link/addressed_memory.ts";
import { LENGTH as IDENTIFY_LENGTH } from "../../wire/identify.ts";
import { formatAddress } from "../../words/address.ts";
import { failed } from "../../words/failure.ts";
import { AOE_ERROR, ATA_ERROR, Command, OK, TIMEOUT } from "../protocol/command.ts";
import { describeOutcome, DeviceError } from "../protocol/describe.ts";
import type { Device } from "../protocol/device.ts";
import { FLUSH, IDENTIFY } from "../protocol/operation.ts";

export interface Performer {
  perform(device: Device, command: Command): Promise<Command>;
}

/**
 * null: the target has carried it out. A sentence without its end: it carries out no flush, and why. Throws the
 * DeviceError of a target that answers nothing else either.
 */
export async function tryFlush(session: Performer, device: Device): Promise<string | null> {
  const flush = new Command();
  flush.operation = FLUSH;
  const { outcome } = await session.perform(device, flush);
  if (outcome === OK) return null;
  const refused = outcome === ATA_ERROR || outcome === AOE_ERROR;
  if (refused || (outcome === TIMEOUT && (await answers(session, device)))) {
    return describeOutcome(device, flush);
  }
  throw new DeviceError(device, flush);
}

async function answers(session: Performer, device: Device): Promise<boolean> {
  const memory = addressedMemory(IDENTIFY_LENGTH);
  try {
    const identify = new Command();
    identify.operation = IDENTIFY;
    identify.memory = memory;
    return (await session.perform(device, identify)).outcome === OK;
  } finally {
    memory.unmap();
  }
}

/**
 * Makes durable what was written; null, or a sentence that says why that took no flush. Throws a Failure where it is
 * not known to be durable.
 */
export async function makeDurable(session: Performer, device: Device): Promise<string | null> {
  const without = await tryFlush(session, device);
  if (without === null) return null;
  const cache = `${formatAddress(device)} says that its write cache is`;
  if (device.identity?.writeCache === true) {
    throw failed(
      `${without}; all is written, and ${cache} on, so it is not known when it is durable`,
    );
  }
  return `${without}; ${cache} off, so what it has answered is durable without it`;
}
