// A job file: TOML whose tables are jobs, as fio's sections are. `[global]` is inherited by all that
// come after it, in the file or before; lists make a matrix.
//
//   [global]                                 every key of keys.ts
//   bs = "4k"
//   [pools]                                  a job: its cells are all combinations of its lists
//   pool = ["fixed", "scan-swap"]
//   service = { fast = "", slow = "lanes:4,delay:1ms" }     named values: the names stand in tables
//   [hosts]                                  where its targets and loads run (hosts.ts)
//
// What wins: --set over the job over [global] over the default; each resolved value keeps its origin.

import * as v from "valibot";
import { Failure, usage } from "../../words/failure.ts";
import { cantRead } from "../../words/file_error.ts";
import { oneOfNames } from "../../words/nearest.ts";
import { decodeUtf8 } from "../../words/utf8.ts";
import { parseToml } from "../../words/toml.ts";
import { checkArrangement } from "./arrangement.ts";
import { checkHosts } from "./host_arrangement.ts";
import { type Host, parseHosts, readHosts, showHosts } from "./hosts.ts";
import {
  isKey,
  isSingle,
  KEY_NAMES,
  type KeyName,
  KEYS,
  type KeyTexts,
  type KeyValues,
  Section,
} from "./keys.ts";
import { camelCase, parseOption } from "../../words/option.ts";
import { printableJson, printableLines } from "../../words/printable.ts";
import type { Cell, Job, Resolved, ResolvedJob, ResolvedKeys } from "./resolved.ts";
import type { Threshold } from "./threshold.ts";

/**
 * Resolves the text of a job file; `sets` are `key=value` overrides, `others` hosts in place of the
 * file's own. Every fault is a usage Failure that names the file.
 */
export function parseJob(
  text: string,
  file: string,
  sets: readonly string[] = [],
  others?: readonly Host[],
): Job {
  const sections = new Map<string, Section>();
  let hosts = others ?? [];
  for (const [name, value] of Object.entries(parseToml(text, file))) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      throw usage(
        `${file}: Expected \`${name}\` to stand in a section such as [global], got it at the top of the file`,
      );
    }
    const where = `${file} [${name}]`;
    if (name !== "hosts") sections.set(name, readSection(value, where));
    else if (others === undefined) hosts = readHosts(value, where);
  }
  const global = sections.get("global") ?? {};
  sections.delete("global");
  if (sections.size === 0) {
    throw usage(
      `${file}: Expected the file to have at least one job section besides [global], got none`,
    );
  }
  const overrides = readSets(sets);
  const jobs = [...sections].map(([name, own]) => ({
    name,
    values: resolve(own, global, overrides),
    thresholds:
      overrides.thresholds ?? once([...(global.thresholds ?? []), ...(own.thresholds ?? [])]),
  }));
  for (const key of KEY_NAMES.filter(isSingle)) {
    const found = new Set(jobs.map((job) => job.values[key].choices[0]?.text));
    if (found.size > 1) {
      throw usage(
        `${file}: Expected \`${key}\` to be the same in all jobs, got \`${[...found].join(", ")}\``,
      );
    }
  }
  checkArrangement(jobs, file);
  checkHosts(jobs, hosts, file);
  const [first] = jobs.flatMap(cellsOf);
  if (first === undefined) throw new Error("invariant: a job has a cell");
  return { file, jobs, hosts, values: first.values };
}

/** The first of each text. */
function once(thresholds: readonly Threshold[]): Threshold[] {
  return [...new Map(thresholds.map((one) => [one.text, one])).values()];
}

function readSection(value: object, where: string): Section {
  for (const key of Object.keys(value)) {
    if (!isKey(key) && key !== "thresholds") {
      const names = [...KEY_NAMES, "thresholds"];
      throw usage(`${where}: ${oneOfNames("Expected a key of a job", names, key)}`);
    }
  }
  const parsed = v.safeParse(Section, value);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  const path = issue.path?.map((item) => String(item.key)).join(".") ?? "";
  const message =
    issue.message.includes("`") && path !== "" ? issue.message : `\`${path}\`: ${issue.message}`;
  throw usage(`${where}: ${message}`);
}

/** `key=value`; several values with `|` between them make a list. */
function readSets(sets: readonly string[]): Section {
  const values: Record<string, unknown> = {};
  for (const set of sets) {
    const at = set.indexOf("=");
    if (at < 1) throw usage(`Expected \`--set\` to be key=value, got \`${set}\``);
    const texts = set.slice(at + 1).split("|");
    values[set.slice(0, at)] = texts.length === 1 ? texts[0] : texts;
  }
  return readSection(values, "--set");
}

function resolve(own: Section, global: Section, set: Section): ResolvedKeys {
  const pick = (key: KeyName): Resolved => {
    for (const [origin, section] of [
      ["set", set],
      ["job", own],
      ["global", global],
    ] as const) {
      const choices = section[key];
      if (choices !== undefined) return { origin, choices };
    }
    const text = KEYS[key].default;
    return { origin: "default", choices: [{ label: text, ...read(key, text) }] };
  };
  return Object.fromEntries(KEY_NAMES.map((key) => [key, pick(key)])) as ResolvedKeys;
}

function read<Name extends KeyName>(key: Name, text: string) {
  return { text, value: parseOption(KEYS[key], text, key) };
}

/** All combinations of a job's lists; the last key of keys.ts varies fastest. */
export function cellsOf(job: ResolvedJob): Cell[] {
  const { thresholds } = job;
  const none = { texts: {} as KeyTexts, values: {} as KeyValues, axes: {} };
  let cells: Cell[] = [{ job: job.name, thresholds, ...none }];
  for (const key of KEY_NAMES) {
    const { choices } = job.values[key];
    cells = cells.flatMap((cell) =>
      choices.map(({ label, text, value }) => ({
        ...cell,
        texts: { ...cell.texts, [key]: text },
        values: { ...cell.values, [camelCase(key)]: value },
        axes: choices.length > 1 ? { ...cell.axes, [key]: label } : cell.axes,
      })),
    );
  }
  return cells;
}

/** The cell with other values for some keys. */
export function withTexts(cell: Cell, texts: Partial<KeyTexts>): Cell {
  const names = KEY_NAMES.filter((key) => texts[key] !== undefined);
  const values = names.map((key) => [camelCase(key), read(key, texts[key] ?? "").value]);
  return {
    ...cell,
    texts: { ...cell.texts, ...texts },
    values: { ...cell.values, ...(Object.fromEntries(values) as Partial<KeyValues>) },
  };
}

/** The job as a result keeps it: texts, their labels and origins. */
export function keptJob({ file, jobs }: Job) {
  const sections = jobs.map(({ name, values }) => {
    const keys = KEY_NAMES.map((key) => {
      const { origin, choices } = values[key];
      return [key, { origin, choices: choices.map(({ label, text }) => ({ label, text })) }];
    });
    return [name, Object.fromEntries(keys)];
  });
  return { file, sections: Object.fromEntries(sections) };
}

/** The job as resolved, as TOML again, each value with where it came from. */
export function showJob(job: Job): string {
  const lines = [`# ${job.file}, as resolved`, ...showHosts(job.hosts)];
  for (const { name, values, thresholds } of job.jobs) {
    const cells = KEY_NAMES.reduce((product, key) => product * values[key].choices.length, 1);
    lines.push("", `[${quoteKey(name)}] # ${cells} ${cells === 1 ? "cell" : "cells"}`);
    for (const key of KEY_NAMES) {
      const { choices, origin } = values[key];
      const labelled = choices.some(({ label, text }) => label !== text);
      const texts = choices.map(({ label, text }) =>
        labelled ? `${quoteKey(label)} = ${printableJson(text)}` : printableJson(text),
      );
      const value = labelled
        ? `{ ${texts.join(", ")} }`
        : texts.length === 1
          ? texts[0]
          : `[${texts.join(", ")}]`;
      lines.push(`${key} = ${value} # ${origin}`);
    }
    if (thresholds.length > 0)
      lines.push(`thresholds = ${printableJson(thresholds.map(({ text }) => text))}`);
  }
  return printableLines(`${lines.join("\n")}\n`);
}

function quoteKey(label: string): string {
  return /^[\w-]+$/.test(label) ? label : printableJson(label);
}

/** Loads a job file, and that of its hosts; a Failure where one can't be read or holds no job. */
export async function loadJob(path: string, sets: readonly string[], hosts?: string): Promise<Job> {
  const text = await readFile(`the job file ${path}`, path);
  if (hosts === undefined) return parseJob(text, path, sets);
  const others = parseHosts(await readFile(`the hosts ${hosts}`, hosts), hosts);
  return parseJob(text, path, sets, others);
}

async function readFile(what: string, path: string): Promise<string> {
  try {
    return decodeUtf8(await Bun.file(path).bytes(), path);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw cantRead(what, error);
  }
}
