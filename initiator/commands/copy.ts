// `aoe initiator copy SOURCE DESTINATION`: an image onto a device, or a device into an image. Blocks of zeros
// become holes, and what broke off can be gone on with.

import { Command } from "commander";

import { SECTOR } from "../../wire/ata.ts";
import { parseAddress } from "../../words/address.ts";
import { expected, Failure, usage } from "../../words/failure.ts";
import { parseSize } from "../../words/quantity.ts";
import { makeDurable } from "../session/flush.ts";
import {
  readDevice,
  type DeviceRange,
  type TransferOptions,
  writeDevice,
} from "../session/transfer.ts";
import { say } from "../../words/say.ts";
import { openInput } from "./input.ts";
import { catchInterrupt } from "./interrupted.ts";
import { isZero, PartFile } from "./part_file.ts";
import { createProgress } from "./progress.ts";
import {
  addSessionOptions,
  parseWait,
  type RawSessionOptions,
  withSession,
} from "../session/session_options.ts";
import { addRangeOptions, parseRange, placeRange, type RawRangeOptions } from "./range_options.ts";
import { summarize } from "./summary.ts";

interface Options extends RawSessionOptions, RawRangeOptions {
  readonly force?: boolean;
  /** true: where the part file ends. */
  readonly resume?: string | true;
  readonly skipZeros?: boolean;
}

export function copyCommand(): Command {
  const command = new Command("copy")
    .addHelpText(
      "after",
      `
Examples:
  aoe initiator copy disk.img e7.3 --interface eth1
  aoe initiator copy e7.3 backup.img --interface eth1
  aoe initiator copy e7.3 backup.img --interface eth1 --resume 64m`,
    )
    .description("copy an image to a device, or a device to an image")
    .argument("<source>", "a file, or a device such as e7.3 (./e7.3 is a file)")
    .argument("<destination>", "a device, or a file")
    .option("--force", "replace an existing image and the rest of an earlier copy")
    .option("--resume [bytes]", "continue a copy that stopped, as its message says")
    .option("--skip-zeros", "to a device that holds only zeros: skip blocks of zeros");
  return addSessionOptions(addRangeOptions(command)).action(run);
}

const ADDRESS = /^e\d+\.\d+$/;

async function run(source: string, destination: string, texts: Options): Promise<void> {
  const fromDevice = ADDRESS.test(source);
  if (fromDevice === ADDRESS.test(destination)) {
    throw usage(
      `Expected one of the two to be a device such as e7.3 and the other a file, got \`${source}\` and \`${destination}\``,
    );
  }
  if (fromDevice) await intoImage(source, destination, texts);
  else await ontoDevice(source, destination, texts);
}

/** The rest of `range` from byte `done` of it on. */
function rest(range: DeviceRange, done: number): DeviceRange {
  return { ...range, offset: range.offset + done, size: range.size - done };
}

/** In place of how to go on, which would mix two disks. */
const OF_BEFORE = "they are the disk's of before, and --resume would go on with another one";

/** The same failure, and what of the copy is there. */
function brokenOff(error: unknown, whole: number, size: number, how: string): unknown {
  if (!(error instanceof Failure)) return error;
  const { message, exitCode } = error;
  return new Failure(`${message}; ${whole} of ${size} bytes were copied: ${how}`, exitCode);
}

async function intoImage(name: string, file: string, texts: Options): Promise<void> {
  const address = parseAddress(name, "device");
  const request = parseRange(texts);
  const wait = parseWait(texts);
  if (typeof texts.resume === "string") {
    throw expected(
      "--resume",
      "without a number here: the part file's length says where",
      texts.resume,
    );
  }
  if (texts.skipZeros) throw usage("`--skip-zeros` is for copies onto a device");
  await withSession(texts, async (session) => {
    const device = await session.find(address, wait);
    const range = placeRange(request, device);
    const part = new PartFile(file, texts.force ?? false, texts.resume === true);
    if (part.resumeAt > range.size) {
      part.keep(part.resumeAt);
      throw usage(
        `${part.part} holds ${part.resumeAt} bytes, more than the ${range.size} that are to be copied`,
      );
    }
    let whole = part.resumeAt;
    await move(name, range, part.resumeAt, texts, async (todo, options) => {
      try {
        await readDevice({ session, device, ...todo, ...options }, (bytes, at) => {
          part.write(bytes, at - range.offset);
          whole = at - range.offset + bytes.length;
        });
      } catch (error) {
        part.keep(whole);
        const how = device.gone ? OF_BEFORE : `--resume continues ${part.part}`;
        throw brokenOff(error, whole, range.size, how);
      }
      part.finish(range.size);
      return { session, device };
    });
  });
}

async function ontoDevice(file: string, name: string, texts: Options): Promise<void> {
  const address = parseAddress(name, "device");
  const request = parseRange(texts);
  const wait = parseWait(texts);
  if (texts.resume === true) {
    throw expected("--resume", "the number of bytes that the earlier copy named", "nothing");
  }
  const done = texts.resume === undefined ? 0 : parseSize(texts.resume, "--resume");
  if (done % SECTOR !== 0)
    throw expected("--resume", `a multiple of ${SECTOR} bytes`, texts.resume);
  const input = openInput(file, request.size);
  try {
    await withSession(texts, async (session) => {
      const device = await session.find(address, wait);
      const range = placeRange(request, device, input.bytes);
      if (done > range.size) {
        throw expected("--resume", `at most the ${range.size} bytes to be copied`, done);
      }
      await move(name, range, done, texts, async (todo, options) => {
        let whole = done;
        try {
          await writeDevice(
            {
              session,
              device,
              ...todo,
              ...options,
              onFailure: (bytes) => {
                whole = done + bytes;
              },
            },
            (bytes, at) => {
              input.read(bytes, at - range.offset);
              return !(texts.skipZeros === true && isZero(bytes));
            },
          );
        } catch (error) {
          const how = device.gone ? OF_BEFORE : `--resume ${whole} continues`;
          throw brokenOff(error, whole, range.size, how);
        }
        return { session, device, note: await makeDurable(session, device) };
      });
    });
  } finally {
    input.close();
  }
}

interface Copied extends Pick<TransferOptions, "session" | "device"> {
  /** What the user should know; null, absent: nothing. */
  readonly note?: string | null;
}

/** Runs `work` on what is left of `range`, with progress, Ctrl-C and the summary around it. */
async function move(
  name: string,
  range: DeviceRange,
  done: number,
  texts: Options,
  work: (
    todo: DeviceRange,
    options: Pick<TransferOptions, "onProgress" | "signal">,
  ) => Promise<Copied>,
): Promise<void> {
  const todo = rest(range, done);
  const progress = createProgress(`Copying ${name}`, range.size, texts.json ?? false, {
    from: done,
  });
  const interrupt = catchInterrupt();
  const start = performance.now();
  try {
    const { session, device, note } = await work(todo, {
      onProgress: (bytes) => progress.tell(done + bytes),
      signal: interrupt.signal,
    });
    progress.end();
    if (note != null) say(note);
    const elapsed = (performance.now() - start) * 1e6;
    summarize(session, device, { verb: "Copied", bytes: todo.size, elapsed }, texts.json ?? false);
  } finally {
    progress.end();
    interrupt.release();
  }
}
