// The options that every `aoe initiator` command shares: where to send, through which pool, with which
// faults. Texts in, an open session out; every fault names its option.

import { type Command, Option } from "commander";

import { openCaptureFile } from "../../link/capture_file.ts";
import type { DriveMode } from "../../link/drive.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { S, parseInteger } from "../../words/quantity.ts";
import { secretSeed } from "../../words/random.ts";
import { STRATEGIES } from "../pool/buffer_pool.ts";
import { DEFAULT_CAP, DEFAULT_PREALLOCATED, DEFAULT_STRATEGY } from "../pool/options.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";
import type { WrapperText } from "./session_wrappers.ts";
import { positiveDuration, type SessionOptionTexts, sessionOptions } from "./session_texts.ts";
import { WINDOW_LAWS } from "../protocol/window.ts";
import { say } from "../../words/say.ts";

/** As commander gives them. */
export interface SessionTexts extends SessionOptionTexts {
  readonly wrappers?: readonly WrapperSpelt[];
  readonly seed?: string;
  readonly wait?: string;
  readonly json?: boolean;
}

interface WrapperSpelt {
  readonly kind: "reclaim" | "faults" | "capture";
  readonly text: string;
}

const MODES: readonly DriveMode[] = ["low-latency", "throughput", "frugal"];

export function addSessionOptions(command: Command): Command {
  const wrappers: WrapperSpelt[] = [];
  // Wrappers apply in the order in which they stand on the command line: the first is nearest us.
  const wrapper = (kind: WrapperSpelt["kind"]) => (text: string) => {
    wrappers.push({ kind, text });
    command.setOptionValue("wrappers", wrappers);
    return text;
  };
  return command
    .option("-i, --interface <if>", "where to send; again for each further one", collect)
    .option("--pool <name>", `${STRATEGIES.join(", ")} (${DEFAULT_STRATEGY})`)
    .option("--pool-prealloc <n>", `buffers made at the start (${DEFAULT_PREALLOCATED})`)
    .option("--pool-cap <n>", `most buffers beyond them (${DEFAULT_CAP})`)
    .option("--kick <when>", "when a dry pool is asked again: a duration or on-release (100ms)")
    .option("--reclaim <model>", "late release, such as coalesce:64/1ms", wrapper("reclaim"))
    .option("--faults <plan>", "faults on the link, such as tx:drop:1%", wrapper("faults"))
    .option("--capture <file>", "write every frame to a pcap file", wrapper("capture"))
    .option("--timeout <d>", "end a request that is not answered (10s)")
    .option("--packet-life <d>", "how long a late copy of a write is feared (1s)")
    .option("--window <n>", "most frames in the network, below the target's buffer count")
    .addOption(
      new Option(
        "--window-law <law>",
        "steady through single losses; slow-start as Linux now, stepwise as before",
      ).choices(WINDOW_LAWS),
    )
    .addOption(
      new Option("--retransmit-tag <tag>", "keep it, or take a new one as Linux does").choices([
        "same",
        "new",
      ]),
    )
    .addOption(
      new Option("--link <kind>", "ring: transmit from pinned memory").choices(["packet", "ring"]),
    )
    .option("--transmit-interface <if>", "where frames leave, if not by --interface")
    .option("--write-lane", "take the answers to writes by a socket of their own")
    .option("--receive-ring <size>", "memory of the receive ring (4m)")
    .option("--lane-ring <size>", "memory of the write lane's (4m)")
    .option(
      "--xdp <when>",
      "send small frames by AF_XDP: auto, on or off (auto: where nothing would miss them)",
    )
    .option("--seed <n>", "of tags and faults (a secret one)")
    .addOption(new Option("--mode <mode>", "how to wait for frames").choices(MODES))
    .option("--wait <d>", "how long to wait for a device to show up (1s)")
    .option("--json", "one JSON document on stdout");
}

function collect(name: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), name];
}

/** Checks all of them before anything is opened. */
export function parseSession(texts: SessionTexts): SessionOptions {
  const seed = texts.seed === undefined ? secretSeed() : parseInteger(texts.seed, "--seed", 0);
  for (const { kind, text } of texts.wrappers ?? []) {
    if (kind === "reclaim") parseReclaim(text, "--reclaim");
    else if (kind === "faults") parseFaults(text, "--faults");
  }
  const options = sessionOptions(texts, {
    wrappers: [],
    seed,
    wallClock: Date.now,
    onNotice: say,
  });
  return { ...options, wrappers: (texts.wrappers ?? []).map(openWrapper) };
}

export function parseWait(texts: SessionTexts): number {
  return positiveDuration(texts.wait, "--wait", S);
}

function openWrapper({ kind, text }: WrapperSpelt): WrapperText {
  return kind === "capture" ? { kind, sink: openCaptureFile(text, say).sink } : { kind, text };
}

/** Opens a session for the options, runs `work`, and closes it whatever happens. */
export async function withSession<T>(
  texts: SessionTexts,
  work: (session: Session) => Promise<T>,
  more: Partial<SessionOptions> = {},
): Promise<T> {
  const session = openSession({ ...parseSession(texts), ...more });
  try {
    return await work(session);
  } finally {
    for (const sentence of await session.close()) say(sentence);
  }
}
