// Service profiles: named service models with where their figures come from. fixtures/profiles has one
// file for each name; any other file of the same keys will do.
//
//   about    what it stands for          service  as --service takes it
//   source   where its figures are from  p50 p99  of one random read at a time, as promised

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";

import * as v from "valibot";

import { expected, usage } from "../../words/failure.ts";
import { parseDuration } from "../../words/quantity.ts";
import { createRandom } from "../../words/random.ts";
import { parseToml } from "../../words/toml.ts";
import { loadTrace, placed, placeTraces } from "./load_trace.ts";
import { readText } from "../../sys/read_text.ts";
import { parseServiceModel } from "./model.ts";
import { ownFile } from "../../sys/root.ts";

const PLACE = ownFile("fixtures/profiles");
const SUFFIX = ".toml";

export interface Profile {
  readonly about: string;
  readonly service: string;
  readonly source: string;
  /** ns. */
  readonly p50: number;
  readonly p99: number;
}

const SCHEMA = v.strictObject({
  about: v.string(),
  service: v.string(),
  source: v.string(),
  p50: v.string(),
  p99: v.string(),
});

/** The names that need no path, in alphabetical order. */
export function profileNames(): string[] {
  return readdirSync(PLACE)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort();
}

/**
 * A profile by name, or by path where the text has a `/` or ends in `.toml`; a relative one begins at `folder`. `what`
 * names the option.
 */
export function loadProfile(text: string, what: string, folder = ""): Profile {
  const isPath = text.includes("/") || text.endsWith(SUFFIX);
  const names = profileNames();
  if (!isPath && !names.includes(text)) {
    throw expected(what, `one of ${names.join(", ")}, or a file`, text);
  }
  const path = isPath ? placed(folder, text) : join(PLACE, text + SUFFIX);
  const found = v.safeParse(SCHEMA, parseToml(readText(path, "the profile"), path));
  if (!found.success) {
    const [issue] = found.issues;
    const key = issue.path?.[0]?.key;
    throw usage(
      `The profile ${path} must have about, service, source, p50 and p99, each a text, and nothing else: ${String(key ?? "it")} is wrong`,
    );
  }
  const { about, source, p50, p99 } = found.output;
  const service = placeTraces(dirname(path), found.output.service);
  // A bad one is the profile's fault, whatever stands beside it on the command line.
  parseServiceModel(service, {
    what: `service of ${path}`,
    random: createRandom(0),
    sectors: 1,
    loadTrace,
  });
  return {
    about,
    service,
    source,
    p50: parseDuration(p50, `p50 of ${path}`),
    p99: parseDuration(p99, `p99 of ${path}`),
  };
}
