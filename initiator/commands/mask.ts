// `aoe initiator mask eS.L [list|add|remove] [MAC…]`: whom a target answers.

import { Argument, Command } from "commander";

import * as mask from "../../wire/mask.ts";
import { formatAddress, parseAddress } from "../../words/address.ts";
import { usage } from "../../words/failure.ts";
import { editMasks } from "../protocol/control.ts";
import { parseMacs, printMacs } from "./mac_list.ts";
import {
  addSessionOptions,
  parseWait,
  type RawSessionOptions,
  withSession,
} from "../session/session_options.ts";

const ACTIONS = {
  list: mask.DIRECTIVE_NONE,
  add: mask.DIRECTIVE_ADD,
  remove: mask.DIRECTIVE_DELETE,
} as const;

export function maskCommand(): Command {
  return addSessionOptions(
    new Command("mask")
      .addHelpText(
        "after",
        `
Examples:
  aoe initiator mask e7.3 --interface eth1
  aoe initiator mask e7.3 add 02:00:00:00:00:a0 --interface eth1`,
      )
      .description("show or change the MAC addresses that a device answers")
      .argument("<device>", "its address, such as e7.3")
      .addArgument(
        new Argument("[action]", "what to do").choices(Object.keys(ACTIONS)).default("list"),
      )
      .argument("[mac...]", "such as 02:00:00:00:00:a0"),
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
  const macs = parseMacs(words);
  if (action === "list" && macs.length > 0) throw usage("`mask list` takes no address");
  if (action !== "list" && macs.length === 0) {
    throw usage(`\`mask ${action}\` needs at least one address`);
  }
  await withSession(texts, async (session) => {
    const device = await session.locate(address, wait);
    const directives = macs.map((mac) => ({ command: ACTIONS[action], mac }));
    const list = await editMasks(session.perform.bind(session), device, directives);
    const empty = `No address is listed: ${formatAddress(device)} answers everybody`;
    printMacs(device, list, texts.json ?? false, empty);
  });
}
