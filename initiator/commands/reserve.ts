// `aoe initiator reserve eS.L [list|set|force|release] [MAC…]`: who may use a device.

import { Argument, Command } from "commander";

import * as reserve from "../../wire/reserve.ts";
import { formatAddress, parseAddress } from "../../words/address.ts";
import { usage } from "../../words/failure.ts";
import { reserveFor } from "../protocol/control.ts";
import { parseMacs, printMacs } from "./mac_list.ts";
import {
  addSessionOptions,
  parseWait,
  type RawSessionOptions,
  withSession,
} from "../session/session_options.ts";

const ACTIONS = {
  list: reserve.READ,
  set: reserve.SET,
  force: reserve.FORCE_SET,
  release: reserve.SET,
} as const;

export function reserveCommand(): Command {
  return addSessionOptions(
    new Command("reserve")
      .addHelpText(
        "after",
        `
Examples:
  aoe initiator reserve e7.3 --interface eth1
  aoe initiator reserve e7.3 set --interface eth1`,
      )
      .description("reserve a device for some initiators, or release it")
      .argument("<device>", "its address, such as e7.3")
      .addArgument(
        new Argument("[action]", "set: if no other initiator holds it; force: always")
          .choices(Object.keys(ACTIONS))
          .default("list"),
      )
      .argument("[mac...]", "MAC addresses (default: those of the given interfaces)"),
  ).action(run);
}

async function run(
  name: string,
  action: keyof typeof ACTIONS,
  words: readonly string[],
  texts: RawSessionOptions,
): Promise<void> {
  const address = parseAddress(name, "device");
  const wait = parseWait(texts);
  const given = parseMacs(words);
  const holds = action === "set" || action === "force";
  if (!holds && given.length > 0) throw usage(`\`reserve ${action}\` takes no address`);
  await withSession(texts, async (session) => {
    const device = await session.locate(address, wait);
    const ours = session.links.map(({ mac }) => mac);
    const macs = !holds ? [] : given.length > 0 ? given : ours;
    const list = await reserveFor(session.perform.bind(session), device, ACTIONS[action], macs);
    const empty = `Nobody holds ${formatAddress(device)}: everybody may use it`;
    printMacs(device, list, texts.json ?? false, empty);
  });
}
