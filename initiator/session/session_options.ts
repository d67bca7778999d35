// The options that every `aoe initiator` command shares: where to send, through which pool, with which
// faults. Options as they were typed go in, an open session comes out; every fault names its option.

import type { Command } from "commander";

import { openCaptureFile } from "../../link/capture_file.ts";
import { addOptions } from "../../words/command_options.ts";
import { parseOption } from "../../words/option.ts";
import { S } from "../../words/quantity.ts";
import { say } from "../../words/say.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";
import {
  durationOf,
  SESSION_OPTIONS,
  type RawTableOptions,
  sessionOptions,
} from "./session_table.ts";
import type { SessionWrapper } from "./session_wrappers.ts";

/** As commander gives them. */
export interface RawSessionOptions extends RawTableOptions {
  readonly wrappers?: readonly WrapperSpelt[];
}

const WRAPPERS = ["reclaim", "faults", "capture"] as const;

interface WrapperSpelt {
  readonly kind: (typeof WRAPPERS)[number];
  readonly text: string;
}

export function addSessionOptions(command: Command): Command {
  addOptions(command, SESSION_OPTIONS);
  // Wrappers apply in the order in which they stand on the command line: the first is nearest us.
  const wrappers: WrapperSpelt[] = [];
  for (const kind of WRAPPERS) {
    command.options
      .find(({ long }) => long === `--${kind}`)
      ?.argParser((text) => {
        wrappers.push({ kind, text });
        command.setOptionValue("wrappers", wrappers);
        return text;
      });
  }
  return command;
}

/** Checks all of them before anything is opened. */
function parseSession(texts: RawSessionOptions): SessionOptions {
  const wrappers = (texts.wrappers ?? []).map(parseWrapper);
  const options = sessionOptions(texts, { wrappers: [], wallClock: Date.now, onNotice: say });
  return { ...options, wrappers: wrappers.map((open) => open()) };
}

export function parseWait(texts: RawSessionOptions): number {
  return durationOf(texts.wait, "--wait", S);
}

/** Opens it, once all others are checked. */
function parseWrapper({ kind, text }: WrapperSpelt): () => SessionWrapper {
  switch (kind) {
    case "reclaim": {
      const model = parseOption(SESSION_OPTIONS.reclaim, text, "--reclaim");
      return () => ({ kind, model });
    }
    case "faults": {
      const plan = SESSION_OPTIONS.faults.type.parse(text, "--faults");
      return () => ({ kind, plan });
    }
    case "capture":
      return () => ({ kind, sink: openCaptureFile(text, say).sink });
  }
}

/** Opens a session for the options, runs `work`, and closes it whatever happens. */
export async function withSession<T>(
  texts: RawSessionOptions,
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
