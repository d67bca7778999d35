// `aoe initiator write eS.L FILE`: an image onto a device, flushed at the end.

import { Command } from "commander";

import { formatAddress, parseAddress } from "../../words/address.ts";
import { Command as Request, FLUSH } from "../command.ts";
import { mustBeOk } from "../describe.ts";
import { writeDevice } from "../transfer.ts";
import { openInput } from "./input.ts";
import { createProgress } from "./progress.ts";
import { addSessionOptions, parseWait, type SessionTexts, withSession } from "./session_options.ts";
import {
  addStretchOptions,
  parseStretch,
  placeStretch,
  type StretchTexts,
} from "./stretch_options.ts";
import { summarize } from "./summary.ts";
import { usage } from "../../words/failure.ts";

interface Options extends SessionTexts, StretchTexts {
  readonly flush: boolean;
}

export function writeCommand(): Command {
  const command = new Command("write")
    .description("write a file onto a device")
    .argument("<device>", "its address, such as e7.3")
    .argument("<file>", "an image, a multiple of 512 bytes")
    .option("--no-flush", "leave it to the target when the data become durable");
  return addSessionOptions(addStretchOptions(command)).action(run);
}

async function run(name: string, file: string, texts: Options): Promise<void> {
  const address = parseAddress(name, "device");
  const request = parseStretch(texts);
  const wait = parseWait(texts);
  const input = openInput(file);
  try {
    if (request.size !== null && request.size > input.bytes) {
      throw usage(
        `Expected \`--size\` to be at most the ${input.bytes} bytes of ${file}, got \`${request.size}\``,
      );
    }
    await withSession(texts, async (session) => {
      const device = await session.find(address, wait);
      const stretch = placeStretch(request, device, input.bytes);
      const hash = new Bun.CryptoHasher("sha256");
      const progress = createProgress(
        `Writing ${formatAddress(device)}`,
        stretch.size,
        texts.json ?? false,
      );
      const start = session.waiter.now();
      try {
        const onProgress = progress.tell;
        await writeDevice({ session, device, ...stretch, onProgress }, (bytes, at) => {
          input.read(bytes, at - stretch.offset);
          hash.update(bytes);
        });
        if (texts.flush) {
          const flush = new Request();
          flush.operation = FLUSH;
          mustBeOk(device, await session.perform(device, flush));
        }
      } finally {
        progress.end();
      }
      const elapsed = session.waiter.now() - start;
      const sha256 = hash.digest("hex");
      summarize(
        session,
        device,
        { verb: "Wrote", bytes: stretch.size, elapsed, sha256 },
        texts.json ?? false,
      );
    });
  } finally {
    input.close();
  }
}
