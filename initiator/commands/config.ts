// `aoe initiator config eS.L [read|test|prefix|set|force] [STRING]`: the string that a target keeps with a device.

import { Argument, Command } from "commander";

import * as config from "../../wire/config.ts";
import { formatAddress, parseAddress } from "../../words/address.ts";
import { failed, usage } from "../../words/failure.ts";
import { S } from "../../words/quantity.ts";
import { configure } from "../protocol/control.ts";
import { durationOf } from "../session/session_table.ts";
import {
  addSessionOptions,
  parseWait,
  type RawSessionOptions,
  withSession,
} from "../session/session_options.ts";
import { printableBytes, printableJson } from "../../words/printable.ts";

const ACTIONS = {
  read: config.READ,
  test: config.TEST,
  prefix: config.TEST_PREFIX,
  set: config.SET,
  force: config.FORCE_SET,
} as const;

type Action = keyof typeof ACTIONS;

interface Options extends RawSessionOptions {
  readonly hex?: boolean;
}

export function configCommand(): Command {
  return addSessionOptions(
    new Command("config")
      .addHelpText(
        "after",
        `
Examples:
  aoe initiator config e7.3 --interface eth1
  aoe initiator config e7.3 set 'rack 4' --interface eth1`,
      )
      .description("read, test or set the config string of a device")
      .argument("<device>", "its address, such as e7.3")
      .addArgument(
        new Argument("[action]", "set: if there is none or the same; force: always")
          .choices(Object.keys(ACTIONS))
          .default("read"),
      )
      .argument("[string]", "at most 1024 bytes")
      .option("--hex", "the string is given and printed as hexadecimal digits"),
  ).action(run);
}

async function run(
  name: string,
  action: Action,
  text: string | undefined,
  texts: Options,
): Promise<void> {
  const address = parseAddress(name, "device");
  const wait = parseWait(texts);
  if (action === "read" && text !== undefined) throw usage("`config read` takes no string");
  if (action !== "read" && text === undefined) throw usage(`\`config ${action}\` needs a string`);
  const bytes = bytesOf(text ?? "", texts.hex ?? false);
  // A target says no by silence: a test does not wait for as long as a request may take.
  const testing = action === "test" || action === "prefix";
  const patience = testing ? durationOf(texts.timeout, "--timeout", S) : 0;
  await withSession(texts, async (session) => {
    const device = await session.locate(address, wait);
    const answer = await configure(
      session.perform.bind(session),
      device,
      ACTIONS[action],
      bytes,
      patience,
    );
    const at = formatAddress(device);
    if (answer === null) {
      const relation = action === "test" ? "is not" : "does not begin with";
      throw failed(`The config string of ${at} ${relation} the ${bytes.length} bytes given`);
    }
    const { string } = answer;
    if (texts.json) {
      const document = {
        device: at,
        config: printableBytes(string),
        config_base64: Buffer.from(string).toString("base64"),
        buffer_count: answer.bufferCount,
        firmware: answer.firmware,
        most_sectors: answer.sectorCount,
      };
      process.stdout.write(`${printableJson(document)}\n`);
    } else if (texts.hex) process.stdout.write(`${Buffer.from(string).toString("hex")}\n`);
    else process.stdout.write(`${printableBytes(string)}\n`);
  });
}

function bytesOf(text: string, hex: boolean): Uint8Array {
  if (!hex) return new TextEncoder().encode(text);
  if (!/^([0-9a-f]{2})*$/i.test(text)) {
    throw usage(`Expected the string to be pairs of hexadecimal digits, got \`${text}\``);
  }
  return Uint8Array.from(Buffer.from(text, "hex"));
}
