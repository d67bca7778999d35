// `aoe initiator nbd eS.L --socket PATH`: its words; what it does is loaded when it is named.

import { Command } from "commander";

import { addSessionOptions } from "../session/session_options.ts";
import type { RawNbdOptions } from "./nbd_action.ts";

export function nbdCommand(): Command {
  const command = new Command("nbd")
    .addHelpText(
      "after",
      `
Examples:
  aoe initiator nbd e7.3 --interface eth1 --socket /tmp/e7.3.nbd
  fio --name=r --ioengine=nbd --uri='nbd+unix:///?socket=/tmp/e7.3.nbd' --rw=randread`,
    )
    .description("serve a device to NBD clients: fio, qemu-img, nbdcopy, nbdinfo, nbd-client")
    .argument("<device>", "its address, such as e7.3")
    .requiredOption("--socket <path>", "path of the Unix socket; removed at the end")
    .option("--export <name>", "the export's name; the empty name works too", "")
    .option("--read-only", "refuse writes")
    .option("--connections <n>", "most clients at a time", "16");
  return addSessionOptions(command).action(async (device: string, texts: RawNbdOptions) => {
    const { nbdAction } = await import("./nbd_action.ts");
    await nbdAction(device, texts);
  });
}
