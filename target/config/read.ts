// A configuration file becomes a plan, or one sentence that says where it is wrong:
//
//   lab.toml line 14, [[export]] 2: Expected `buffer_count` to be an integer between 2 and 65535, got `1`
//
//   [[export]] over [defaults] over the key's own default

import { dirname } from "node:path";

import { formatAddress } from "../../words/address.ts";
import { expected, Failure, usage } from "../../words/failure.ts";
import {
  camelCase,
  flag,
  type OptionTable,
  type OptionType,
  type OptionValues,
} from "../../words/option.ts";
import { createRandom } from "../../words/random.ts";
import { lineOf, parseToml } from "../../words/toml.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { parseServiceModel } from "../service/model.ts";
import { loadProfile } from "../service/profile.ts";
import {
  EXPORT_KEYS,
  type ExportValues,
  SHARED_KEYS,
  type SharedValues,
  TOP_KEYS,
  type TopValues,
} from "./keys.ts";
import { shown } from "./values.ts";
import { loadTrace, placed, placeTraces } from "../service/load_trace.ts";
import { readText } from "../../sys/read_text.ts";
import { parseListen } from "./listen.ts";
import {
  type ExportPlan,
  exportPlan,
  processPlan,
  type StorePlan,
  type TargetPlan,
} from "./plan.ts";

/** Bytes of an interface's name: the kernel has none that is longer, so that waiting for it would be in vain. */
const LONGEST_NAME = 15;

/** The plan of the file at `path`. Every fault in it is a usage Failure of one sentence. */
export function readConfig(path: string): TargetPlan {
  return parseConfig(readText(path, "the configuration"), path);
}

/** `path` names the file in sentences, and relative paths in it begin at its folder. */
export function parseConfig(text: string, path: string): TargetPlan {
  const { defaults: given = {}, export: exported = [], ...top } = parseToml(text, path);
  const folder = dirname(path);
  const at = (head: string, nth: number, name: string): Where => ({
    name,
    say: (key) => {
      const line = lineOf(text, head, nth, key);
      return `${path}${line === null ? "" : ` line ${line}`}${name === "" ? "" : `, ${name}`}`;
    },
  });
  const process = check(TOP_KEYS, top, at("", 0, ""));
  const ofDefaults = at("[defaults]", 0, "[defaults]");
  const checked = check(SHARED_KEYS, given, ofDefaults);
  const defaults = { ...checked, service: serviceOf(checked, folder, ofDefaults) };
  if (!Array.isArray(exported)) {
    throw usage(`${path}: Expected \`export\` to be a list of tables [[export]], got one [export]`);
  }
  const ofExport = (index: number): Where => at("[[export]]", index, `[[export]] ${index + 1}`);
  const exports = exported.map((table, index) =>
    exportOf(table, defaults, folder, ofExport(index)),
  );
  checkAddresses(exports, ofExport);
  checkFiles(exports, ofExport);
  return { exports, ...ofProcess(process, folder, at("", 0, "")) };
}

function ofProcess(process: TopValues, folder: string, where: Where): Omit<TargetPlan, "exports"> {
  const interfaces = process.interfaces ?? [];
  if (interfaces.length === 0) {
    throw usage(
      `${where.say("interfaces")}: Expected \`interfaces\` to be a list of at least one name, got none`,
    );
  }
  const impossible = interfaces.find((name) => Buffer.byteLength(name) > LONGEST_NAME);
  if (impossible !== undefined) {
    throw usage(
      `${where.say("interfaces")}: Expected names of interfaces of at most ${LONGEST_NAME} bytes, got \`${impossible}\``,
    );
  }
  const faults = process.faults === undefined ? undefined : placeTraces(folder, process.faults);
  within(where, "faults", () => {
    if (faults !== undefined) parseFaults(faults, "faults", loadTrace);
  });
  within(where, "metrics", () => {
    if (process.metrics !== undefined) parseListen(process.metrics, "metrics");
  });
  const place = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : placed(folder, name);
  const { control, state, capture, statsAtEnd } = process;
  const paths = {
    control: place(control),
    state: place(state),
    capture: place(capture),
    statsAtEnd: place(statsAtEnd),
  };
  return { interfaces, ...processPlan({ ...process, ...paths, faults }) };
}

function checkAddresses(exports: readonly ExportPlan[], at: (index: number) => Where): void {
  const indices = new Map<string, number>();
  for (const [index, { address }] of exports.entries()) {
    const name = formatAddress(address);
    const first = indices.get(name);
    if (first !== undefined) {
      throw usage(
        `${at(index).say("address")}: Expected \`address\` to be one that no other export has, got \`${name}\`, that of [[export]] ${first + 1}`,
      );
    }
    indices.set(name, index);
  }
}

/** Exports that write have their file for themselves; opened on first use they would find that out too late. */
function checkFiles(exports: readonly ExportPlan[], at: (index: number) => Where): void {
  const first = new Map<string, number>();
  for (const [index, { store, readOnly }] of exports.entries()) {
    if (store.kind !== "file") continue;
    const other = first.get(store.path);
    if (other === undefined) first.set(store.path, index);
    else if (!readOnly || exports[other]?.readOnly !== true) {
      throw usage(
        `${at(index).say(store.device ? "device" : "file")}: Expected an image that is written to be that of one export, got \`${store.path}\`, that of [[export]] ${other + 1}`,
      );
    }
  }
}

/** An export as a table of texts and numbers, such as the control socket brings; `what` names it in sentences. */
export function parseExport(table: unknown, what: string): ExportPlan {
  return exportOf(table, {}, "/", { name: what, say: () => what });
}

interface Where {
  readonly name: string;
  /** File, line and table of a key, for the beginning of a sentence. */
  readonly say: (key: string | null) => string;
}

/** The values of the keys that are given, each parsed. */
function check<Table extends OptionTable>(
  table: Table,
  value: unknown,
  where: Where,
): Partial<OptionValues<Table>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw usage(`${where.say(null)}: Expected a table of keys, got \`${shown(value)}\``);
  }
  const names = Object.keys(table);
  for (const key of Object.keys(value)) {
    if (!names.includes(key)) {
      throw usage(`${where.say(key)}: Expected a key (${names.join(" ")}), got \`${key}\``);
    }
  }
  const present = Object.entries(value).filter(([, given]) => given !== undefined);
  const values = present.map(([key, given]) => [
    camelCase(key),
    within(where, key, () => valueOfKey(table[key]?.type ?? flag, key, given)),
  ]);
  // Key by key what the mapped type says.
  return Object.fromEntries(values) as Partial<OptionValues<Table>>;
}

const isPlain = (value: unknown): value is string | number =>
  typeof value === "string" || typeof value === "number";

function valueOfKey<T>(type: OptionType<T>, key: string, given: unknown): T {
  if (type.hint === "") {
    if (typeof given !== "boolean") throw expected(key, "true or false", shown(given));
    return type.parse(given ? "on" : "off", key);
  }
  if (type.list === true && Array.isArray(given) && given.every(isPlain)) {
    return type.parse(given.join(","), key);
  }
  if (isPlain(given)) return type.parse(String(given), key);
  const rule = type.list === true ? "a list, or a text with commas between" : "a text or a number";
  throw expected(key, rule, shown(given));
}

/** Says where a key stands before what was wrong with it. */
function within<T>(where: Where, key: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(`${where.say(key)}: ${error.message}`, error.exitCode);
  }
}

function exportOf(
  table: unknown,
  defaults: SharedValues,
  folder: string,
  where: Where,
): ExportPlan {
  const own = check({ ...EXPORT_KEYS, ...SHARED_KEYS }, table, where);
  const { address } = own;
  if (address === undefined) {
    throw usage(`${where.say(null)}: Expected \`address\` to be given, such as e7.0, got none`);
  }
  const store = storePlan(own, folder, where);
  const service = serviceOf(own, folder, where) ?? defaults.service ?? "";
  return exportPlan({ ...defaults, ...own }, { address, store, service });
}

/** A bad model is told where it stands, be that an export or the defaults. */
function serviceOf(
  { service, profile }: SharedValues,
  folder: string,
  where: Where,
): string | undefined {
  return within(where, service === undefined ? "profile" : "service", () => {
    const ofProfile =
      profile === undefined ? undefined : loadProfile(profile, "profile", folder).service;
    const text = service === undefined ? ofProfile : placeTraces(folder, service);
    parseServiceModel(text ?? "", {
      what: "service",
      random: createRandom(0),
      sectors: 1,
      loadTrace,
    });
    return text;
  });
}

function storePlan(own: ExportValues, folder: string, where: Where): StorePlan {
  const { file, device, memory, create } = own;
  const given = Object.entries({ file, device, memory }).filter(([, value]) => value !== undefined);
  if (given.length !== 1) {
    const names = given.map(([name]) => `\`${name}\``).join(" and ");
    throw usage(
      `${where.say(given[1]?.[0] ?? null)}: Expected one of \`file\`, \`device\` and \`memory\`, got ${names === "" ? "none" : names}`,
    );
  }
  if (create !== undefined && file === undefined) {
    throw usage(`${where.say("create")}: Expected \`create\` only with \`file\`, got it without`);
  }
  if (memory !== undefined) {
    for (const key of ["offset", "length", "direct", "sync"] as const) {
      if (own[key] === undefined) continue;
      throw usage(
        `${where.say(key)}: ${expected(key, "left out with `memory`", own[key]).message}`,
      );
    }
    return { kind: "memory", bytes: memory };
  }
  return {
    kind: "file",
    path: placed(folder, file ?? device ?? ""),
    device: device !== undefined,
    create: create ?? null,
  };
}
