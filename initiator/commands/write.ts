// `aoe initiator write eS.L FILE`: an image onto a device, flushed at the end.

import { Command } from "commander";

import { parseAddress } from "../../words/address.ts";
import { makeDurable } from "../session/flush.ts";
import { writeDevice } from "../session/transfer.ts";
import { say } from "../../words/say.ts";
import { transferHashed } from "./hashed_transfer.ts";
import { openInput } from "./input.ts";
import {
  addSessionOptions,
  parseWait,
  type RawSessionOptions,
  withSession,
} from "../session/session_options.ts";
import { addRangeOptions, parseRange, placeRange, type RawRangeOptions } from "./range_options.ts";
import { summarize } from "./summary.ts";

interface Options extends RawSessionOptions, RawRangeOptions {
  readonly flush: boolean;
}

export function writeCommand(): Command {
  const command = new Command("write")
    .addHelpText(
      "after",
      `
Examples:
  aoe initiator write e7.3 image.raw --interface eth1
  zcat image.gz | aoe initiator write e7.3 - --interface eth1`,
    )
    .description("write a file to a device")
    .argument("<device>", "its address, such as e7.3")
    .argument("<file>", "an image, a multiple of 512 bytes")
    .option("--no-flush", "do not flush after the last write");
  return addSessionOptions(addRangeOptions(command)).action(run);
}

async function run(name: string, file: string, texts: Options): Promise<void> {
  const address = parseAddress(name, "device");
  const request = parseRange(texts);
  const wait = parseWait(texts);
  const input = openInput(file, request.size);
  try {
    await withSession(texts, async (session) => {
      const device = await session.find(address, wait);
      const range = placeRange(request, device, input.bytes);
      const json = texts.json ?? false;
      let unflushed: string | null = null;
      const done = await transferHashed(
        session,
        device,
        range,
        "Writing",
        json,
        async (options, hash) => {
          await writeDevice(options, (bytes, at) => {
            input.read(bytes, at - range.offset);
            hash.update(bytes);
          });
          if (texts.flush) unflushed = await makeDurable(session, device);
        },
      );
      if (unflushed !== null) say(unflushed);
      summarize(session, device, { verb: "Wrote", ...done }, json);
    });
  } finally {
    input.close();
  }
}
