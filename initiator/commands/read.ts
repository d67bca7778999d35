// `aoe initiator read eS.L -o FILE`: a device, or a range of it, into a file or to standard output.

import { Command } from "commander";

import { parseAddress } from "../../words/address.ts";
import { usage } from "../../words/failure.ts";
import { readDevice } from "../session/transfer.ts";
import { transferHashed } from "./hashed_transfer.ts";
import { openOutput } from "./output.ts";
import {
  addSessionOptions,
  parseWait,
  type RawSessionOptions,
  withSession,
} from "../session/session_options.ts";
import { addRangeOptions, parseRange, placeRange, type RawRangeOptions } from "./range_options.ts";
import { summarize } from "./summary.ts";

interface Options extends RawSessionOptions, RawRangeOptions {
  readonly output: string;
  readonly force?: boolean;
}

export function readCommand(): Command {
  const command = new Command("read")
    .addHelpText(
      "after",
      `
Examples:
  aoe initiator read e7.3 -o disk.img --interface eth1
  aoe initiator read e7.3 --offset 1m --size 64k --interface eth1 | hexdump -C`,
    )
    .description("read a device into a file")
    .argument("<device>", "its address, such as e7.3")
    .requiredOption("-o, --output <file>", "a new file, or - for standard output")
    .option("--force", "replace an existing file");
  return addSessionOptions(addRangeOptions(command)).action(run);
}

async function run(name: string, texts: Options): Promise<void> {
  const address = parseAddress(name, "device");
  const request = parseRange(texts);
  const wait = parseWait(texts);
  if (texts.json && texts.output === "-") {
    throw usage("`--json` and `--output -` both want standard output");
  }
  await withSession(texts, async (session) => {
    const device = await session.find(address, wait);
    const range = placeRange(request, device);
    const output = openOutput(texts.output, texts.force ?? false);
    try {
      const json = texts.json ?? false;
      const done = await transferHashed(session, device, range, "Reading", json, (options, hash) =>
        readDevice(options, (bytes, at) => {
          hash.update(bytes);
          output.write(bytes, at - range.offset);
        }),
      );
      output.finish();
      summarize(session, device, { verb: "Read", ...done }, json);
    } catch (error) {
      output.abandon();
      throw error;
    }
  });
}
