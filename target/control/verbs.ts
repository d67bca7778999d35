// What can be said to the control socket: one table of verbs, each with its keys, its words for
// `aoe target ctl`, and what it does.
//
//   {"verb":"service","export":"e7.3","model":"delay:1ms"}     ─▶ {"ok":true}
//   {"verb":"service","export":"e9.9","model":"delay:1ms"}     ─▶ {"ok":false,"error":"Expected …"}
//
// A request may carry an `id`, which its answer repeats.

import * as v from "valibot";

import { type Address, parseAddress } from "../../words/address.ts";
import { expected, Failure, usage } from "../../words/failure.ts";
import { parseExport } from "../config/read.ts";
import { shown } from "../config/values.ts";
import type { Export } from "../protocol/export.ts";
import type { Running } from "./running.ts";
import { statsPieces } from "./stats.ts";

/** The rest of the answer, which `ok` and `id` stand before; or the whole line in pieces. */
export type Reply = Readonly<Record<string, unknown>> | Iterator<string>;
export type Answer = (reply: Reply) => void;

export interface Verb {
  readonly verb: string;
  /** Keys beside `verb` and `id`; those with `?` may be left out. */
  readonly keys: readonly string[];
  /** The words behind `aoe target ctl`. */
  readonly words: string;
  readonly about: string;
  readonly run: (
    request: Readonly<Record<string, unknown>>,
    running: Running,
    answer: Answer,
  ) => void;
}

export const VERBS: readonly Verb[] = [
  {
    verb: "stats",
    keys: ["export?"],
    words: "stats [EXPORT]",
    about: "prints the figures of the process, its interfaces and its exports, or of one export",
    run({ export: named }, running, answer) {
      answer(statsPieces(running, named === undefined ? null : exportOf(named, running)));
    },
  },
  {
    verb: "service",
    keys: ["export", "model"],
    words: "service EXPORT MODEL",
    about: "sets the service model (empty: none); requests that the old model hangs are answered",
    run({ export: named, model }, running, answer) {
      running.setService(address(named), text(model, "model"));
      answer({ service_model: exportOf(named, running).model.text });
    },
  },
  {
    verb: "release",
    keys: ["export?"],
    words: "release [EXPORT]",
    about:
      "answers the requests that `hang` holds, of one export or all; new commands hang as before",
    run({ export: named }, running, answer) {
      const { target } = running;
      const owners = named === undefined ? target.exports : [exportOf(named, running)];
      let released = 0;
      for (const owner of owners) released += target.release(owner);
      answer({ released });
    },
  },
  {
    verb: "export add",
    keys: ["export"],
    words: "export add KEY=VALUE…",
    about: "adds an export; the keys are those of [[export]], with absolute paths",
    run({ export: table }, running, answer) {
      running.addExport(parseExport(table, "export"));
      answer({});
    },
  },
  {
    verb: "export remove",
    keys: ["export"],
    words: "export remove EXPORT",
    about:
      "removes an export; it is silent at once, and the command ends when its requests are answered and its image is closed",
    run({ export: named }, running, answer) {
      running.removeExport(address(named), () => answer({}));
    },
  },
  {
    verb: "export resize",
    keys: ["export"],
    words: "export resize EXPORT",
    about:
      "reads the current size of the image and announces it; prints the old and the new size in sectors",
    run({ export: named }, running, answer) {
      answer({ ...running.resizeExport(address(named)) });
    },
  },
  {
    verb: "reload",
    keys: [],
    words: "reload",
    about:
      "reads the configuration again, as SIGHUP does; prints what was changed, or why nothing was",
    run(_request, running, answer) {
      running.reload((ended) => answer(ended instanceof Failure ? refusal(ended) : { ...ended }));
    },
  },
  {
    verb: "quit",
    keys: [],
    words: "quit",
    about:
      "ends the target as SIGTERM does: requests in progress are answered, everything is flushed",
    run(_request, running, answer) {
      answer({});
      running.quit();
    },
  },
];

const Request = v.looseObject(
  { verb: v.string("Expected `verb` to be a text") },
  "Expected a JSON object with a `verb`",
);

/** Runs one line and answers it, now or later, once. */
export function command(line: string, running: Running, answer: Answer): void {
  let id: unknown;
  const reply = (told: Reply): void => {
    if ("next" in told) answer(told);
    else answer({ ...(id === undefined ? {} : { id }), ok: true, ...told });
  };
  try {
    const request = readRequest(line);
    ({ id } = request);
    const found = VERBS.find(({ verb }) => verb === request.verb);
    if (found === undefined) {
      const known = VERBS.map(({ verb }) => verb).join(", ");
      throw usage(`Expected \`verb\` to be one of ${known}, got \`${request.verb}\``);
    }
    checkKeys(found, request);
    found.run(request, running, reply);
  } catch (error) {
    answer(refusal(error, id));
  }
}

function readRequest(line: string): v.InferOutput<typeof Request> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw usage(
      `Expected a line of JSON, got \`${line.slice(0, 60)}${line.length > 60 ? "…" : ""}\``,
    );
  }
  const parsed = v.safeParse(Request, value);
  if (parsed.success) return parsed.output;
  throw usage(`${parsed.issues[0].message}, got \`${shown(value).slice(0, 60)}\``);
}

function checkKeys({ verb, keys }: Verb, request: Readonly<Record<string, unknown>>): void {
  const known = keys.map((key) => key.replace("?", ""));
  for (const key of Object.keys(request)) {
    if (key === "verb" || key === "id" || known.includes(key)) continue;
    throw usage(
      `Expected \`${verb}\` to have ${known.length === 0 ? "no other key" : `the keys ${known.join(" ")}`}, got \`${key}\``,
    );
  }
  for (const key of keys) {
    if (!key.endsWith("?") && request[key] === undefined) {
      throw usage(`Expected \`${verb}\` to have the key \`${key}\`, got none`);
    }
  }
}

/** A Failure's sentence; anything else is a fault of ours, which costs the client an answer and nobody the target. */
function refusal(error: unknown, id?: unknown): Record<string, unknown> {
  const known = error instanceof Failure;
  const message = error instanceof Error ? error.message : String(error);
  return {
    ...(id === undefined ? {} : { id }),
    ok: false,
    error: known ? message : `a fault in this program: ${message}`,
  };
}

function address(value: unknown): Address {
  return parseAddress(text(value, "export"), "export");
}

function text(value: unknown, what: string): string {
  if (typeof value !== "string") throw expected(what, "a text", shown(value));
  return value;
}

function exportOf(named: unknown, { target }: Running): Export {
  const { major, minor } = address(named);
  const owner = target.exportAt(major, minor);
  if (owner === null)
    throw usage(`Expected \`export\` to be one that is served, got \`${text(named, "export")}\``);
  return owner;
}
