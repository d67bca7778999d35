// Whether a target carries out a flush: it is asked, since some abort the command that their IDENTIFY
// sector announces, and clients are offered only what works.

import { AOE_ERROR, ATA_ERROR, Command, FLUSH } from "../command.ts";
import { describeOutcome, mustBeOk } from "../describe.ts";
import type { Device } from "../device.ts";

/** Throws the DeviceError of a target that does not answer at all. */
export async function carriesOutFlush(
  session: { perform(device: Device, command: Command): Promise<Command> },
  device: Device,
  say: (sentence: string) => void,
): Promise<boolean> {
  const flush = new Command();
  flush.operation = FLUSH;
  const ended = await session.perform(device, flush);
  if (ended.outcome === ATA_ERROR || ended.outcome === AOE_ERROR) {
    say(`${describeOutcome(device, ended)}; so clients are offered neither flush nor FUA`);
    return false;
  }
  mustBeOk(device, ended);
  return true;
}
