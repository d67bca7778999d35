// A session's options as texts, from a command line or a program: values out, every fault a usage Failure
// that names its option.

import type { DriveMode } from "../../link/drive.ts";
import { usableInterfaces } from "../../link/interface_names.ts";
import { expected, usage } from "../../words/failure.ts";
import { parseDuration, parseInteger, S } from "../../words/quantity.ts";
import { parsePoolOptions, type PoolOptionTexts } from "../pool/options.ts";
import { parseRawLink, type RawLinkTexts } from "./raw_link.ts";
import type { SessionOptions } from "./session.ts";
import type { WindowLaw } from "../protocol/window.ts";

export interface SessionOptionTexts extends RawLinkTexts, PoolOptionTexts {
  readonly interface?: readonly string[];
  readonly timeout?: string;
  readonly packetLife?: string;
  readonly window?: string;
  readonly windowLaw?: WindowLaw;
  readonly retransmitTag?: "same" | "new";
  readonly mode?: DriveMode;
}

/** What texts don't say. */
export type SessionSurroundings = Pick<
  SessionOptions,
  "wrappers" | "seed" | "wallClock" | "onNotice"
>;

/** `--window` at most: the buffer count is a 16-bit field. */
const MOST_FRAMES = 0xffff;

/** Checks all of them before anything is opened. */
export function sessionOptions(
  texts: SessionOptionTexts,
  surroundings: SessionSurroundings,
): SessionOptions {
  const interfaces = texts.interface ?? [];
  if (interfaces.length === 0) {
    const there = usableInterfaces();
    throw usage(
      there.length === 0
        ? "Expected `--interface` to be given, and no Ethernet interface is up here: `ip link` shows all"
        : `Expected \`--interface\` to be given: up here ${there.length === 1 ? "is" : "are"} ${there.join(", ")}`,
    );
  }
  if (new Set(interfaces).size < interfaces.length) {
    throw expected("--interface", "a different one each time", interfaces.join(" "));
  }
  if (texts.transmitInterface !== undefined && interfaces.length !== 1) {
    throw expected("--interface", "only one beside --transmit-interface", interfaces.join(" "));
  }
  return {
    ...surroundings,
    interfaces,
    ...parseRawLink(texts),
    pool: parsePoolOptions(texts),
    timeout: positiveDuration(texts.timeout, "--timeout", 10 * S),
    packetLife: positiveDuration(texts.packetLife, "--packet-life", S),
    ...(texts.window === undefined
      ? {}
      : { window: parseInteger(texts.window, "--window", 1, MOST_FRAMES) }),
    ...(texts.windowLaw === undefined ? {} : { windowLaw: texts.windowLaw }),
    ...(texts.retransmitTag === undefined ? {} : { retransmitTag: texts.retransmitTag }),
    mode: texts.mode ?? "low-latency",
  };
}

/** ns above 0; `usual` where there is no text. */
export function positiveDuration(text: string | undefined, what: string, usual: number): number {
  if (text !== undefined && typeof text !== "string") {
    throw expected(what, "a text such as `2s`", text);
  }
  const ns = text === undefined ? usual : parseDuration(text, what);
  if (ns > 0) return ns;
  throw expected(what, "a duration above 0", text);
}
