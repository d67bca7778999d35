// One table of options: the command line and its help, the keys of a job, the pages, the schema of a job file and the
// data for completion all have every row of it. A row that only the table had would be found.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import type { Command } from "commander";

import { benchCommand } from "../../bench/commands.ts";
import { jobSchema } from "../../bench/job/job_schema.ts";
import { KEYS } from "../../bench/job/keys.ts";
import { LOAD_KEYS, LOAD_OPTIONS, parseLoad } from "../../bench/load/options.ts";
import { initiatorCommand } from "../../initiator/commands.ts";
import { SESSION_OPTIONS } from "../../initiator/session/session_table.ts";
import { targetCommand } from "../../target/commands.ts";
import {
  EXPORT_KEYS,
  FILE_KEYS,
  PROCESS_KEYS,
  SHARED_KEYS,
  TOP_KEYS,
} from "../../target/config/keys.ts";
import { type Completion, completionOf } from "../../words/command_options.ts";
import { camelCase, dashed, helpOf, integer, type OptionTable } from "../../words/option.ts";
import { initiatorTables, PAGE as INITIATOR } from "./initiator_tables.ts";
import { PAGE as TARGET, tableIn } from "./target_tables.ts";

const DOCS = join(import.meta.dir, "../../docs");
const benchPage = readFileSync(join(DOCS, "bench.md"), "utf8");
const initiatorPage = readFileSync(INITIATOR, "utf8");
const targetPage = readFileSync(TARGET, "utf8");

/** Where a name must stand, and whether it does. */
type Place = readonly [string, (name: string) => boolean];

function missing(options: OptionTable, places: readonly Place[]): string[] {
  return Object.keys(options).flatMap((name) =>
    places.filter(([, has]) => !has(name)).map(([place]) => `${place} lacks ${name}`),
  );
}

function below(command: Command, name: string): Command {
  const found = command.commands.find((one) => one.name() === name);
  if (found === undefined) throw new Error(`no command ${name}`);
  return found;
}

/** Its help, unwrapped, and its completion. */
function placesOf(command: Command, options: OptionTable): Place[] {
  command.configureHelp({ helpWidth: 10_000 });
  const help = command.helpInformation();
  const completion: Completion = completionOf(command);
  const flags = completion.options.flatMap((option) => option.flags);
  return [
    [
      `the help of ${command.name()}`,
      (name) => {
        const row = options[name];
        return row !== undefined && help.includes(dashed(name)) && help.includes(helpOf(row));
      },
    ],
    [`the completion of ${command.name()}`, (name) => flags.includes(dashed(name))],
  ];
}

function stands(page: string, mark: string, cell: (name: string) => string): Place[1] {
  const table = tableIn(page, mark) ?? "";
  return (name) => table.includes(cell(name));
}

const asOption = (name: string): string => `${dashed(name)}`;
const asKey = (name: string): string => `| \`${name}\` |`;
const properties = JSON.stringify(jobSchema());

const load = (options: OptionTable): Place[] => [
  ...placesOf(below(benchCommand(), "load"), options),
  ["docs/bench.md", stands(benchPage, "load options", asOption)],
];
const job: readonly Place[] = [
  ["the keys of a job", (name) => Object.hasOwn(KEYS, name)],
  ["docs/bench.md", stands(benchPage, "job keys", asKey)],
  ["the schema of a job file", (name) => properties.includes(`"${name}":{"description"`)],
];
const session = (options: OptionTable): Place[] => [
  ...initiatorCommand().commands.flatMap((command) => placesOf(command, options)),
  ["docs/initiator.md", stands(initiatorPage, "session options", asOption)],
];

const target = (options: OptionTable): Place[] => [
  ...placesOf(targetCommand(), options),
  ["docs/target.md", stands(targetPage, "options", asOption)],
];
const inFile = (mark: string): Place[] => [["docs/target.md", stands(targetPage, mark, asKey)]];

const TABLES: readonly (readonly [
  string,
  OptionTable,
  (options: OptionTable) => readonly Place[],
])[] = [
  ["a load", LOAD_OPTIONS, load],
  ["a load that a job sweeps", LOAD_KEYS, (options) => [...load(options), ...job]],
  ["a job", KEYS, () => job],
  ["a session", SESSION_OPTIONS, session],
  ["a target", { ...SHARED_KEYS, ...FILE_KEYS, ...PROCESS_KEYS }, target],
  ["a target's process", TOP_KEYS, () => inFile("process keys")],
  ["an export", EXPORT_KEYS, () => inFile("export keys")],
  ["all exports", SHARED_KEYS, () => inFile("shared keys")],
];

describe("one table of options", () => {
  for (const [name, options, places] of TABLES) {
    test(`${name}: every place has every row`, () => {
      expect(missing(options, places(options))).toEqual([]);
    });

    test(`${name}: a row that stands in the table alone is found`, () => {
      const planted = { zebra_stripes: { type: integer(), default: "7", help: "how many" } };
      const grown = { ...options, ...planted };
      const all = places(grown).map(([place]) => `${place} lacks zebra_stripes`);
      expect(missing(grown, places(grown)).toSorted()).toEqual(all.toSorted());
    });
  }

  test("docs/initiator.md has the table (else: bun testing/docs/initiator_tables.ts)", () => {
    for (const [mark, table] of Object.entries(initiatorTables())) {
      expect(tableIn(initiatorPage, mark)).toBe(table);
    }
  });

  test("a load that is told nothing has the defaults of a job", () => {
    const { texts, ...values } = parseLoad({});
    for (const [name, { default: text }] of Object.entries(LOAD_KEYS)) {
      expect([name, texts[name]]).toEqual([name, KEYS[name as keyof typeof LOAD_KEYS].default]);
      expect([name, texts[name]]).toEqual([name, text]);
      expect([name, camelCase(name) in values]).toEqual([name, true]);
    }
  });

  test("completion lists values, hints and commands", () => {
    const { commands } = completionOf(benchCommand());
    const found = commands.find(({ name }) => name === "load");
    const option = (flag: string) => found?.options.find(({ flags }) => flags.includes(flag));
    expect(option("--pool")?.choices).toContain("completion");
    expect(option("--runtime")).toMatchObject({ hint: "duration", choices: [] });
    expect(option("-i")).toMatchObject({ flags: ["-i", "--interface"], hint: "if" });
    expect(option("--json")).toMatchObject({ hint: "", choices: [] });
    expect(found?.arguments).toEqual([{ name: "address", choices: [] }]);
    expect(commands.map(({ name }) => name)).toContain("run");
  });
});
