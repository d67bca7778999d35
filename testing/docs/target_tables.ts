// The tables of docs/target.md, made from the code that they describe. `bun testing/docs/target_tables.ts` writes them into
// the page, between its marks; a test holds the page to them.

import type { Command } from "commander";

import { optionFlags } from "../../words/command_options.ts";
import { type OptionRow, type OptionTable, withChoices } from "../../words/option.ts";
import { targetCommand } from "../../target/commands.ts";
import { EXPORT_KEYS, SHARED_KEYS, TOP_KEYS } from "../../target/config/keys.ts";
import {
  EXPORT_FIGURES,
  type Figure,
  HISTOGRAM,
  INTERFACE_FIGURES,
  TARGET_FIGURES,
} from "../../target/control/figures.ts";
import { VERBS } from "../../target/control/verbs.ts";
import { modelTable } from "./model_table.ts";

export const PAGE = `${import.meta.dir}/../../docs/target.md`;

/** A table as Markdown has it, unpadded. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), `|${"---|".repeat(heads.length)}`, ...rows.map(line)].join("\n");
}

/** Of a table of options: what each row says. */
export function optionRows(options: OptionTable): string {
  const rows = Object.entries(options).map(([name, row]) => {
    return [
      `\`${optionFlags(name, row)}\``,
      row.type.hint === "" ? "" : usualOf(row),
      meaningOf(row),
    ];
  });
  return table(["option", "default", "meaning"], rows);
}

/** A default that can be typed stands as it is typed. */
export function usualOf(row: OptionRow): string {
  return row.default ? `\`${row.default}\`` : (row.usual ?? "");
}

function meaningOf(row: OptionRow): string {
  return row.type.hint === "" ? row.help : withChoices(row);
}

function options(command: Command | undefined): string {
  const rows = (command?.options ?? []).map(({ flags, description }) => [
    `\`${flags}\``,
    description,
  ]);
  return table(["option", "meaning"], rows);
}

function keys(of: OptionTable): string {
  const rows = Object.entries(of).map(([key, row]) => {
    return [`\`${key}\``, row.type.hint === "" ? "false" : usualOf(row), meaningOf(row)];
  });
  return table(["key", "default", "meaning"], rows);
}

function figures<Of>(prefix: string, of: readonly Figure<Of>[]): string {
  return table(
    ["in `stats`", "metric", "kind", "meaning"],
    of.map(({ key, metric, type, about }) => [`\`${key}\``, `\`${prefix}${metric}\``, type, about]),
  );
}

/** By the mark that each stands behind. */
export function manualTables(): Record<string, string> {
  const command = targetCommand();
  const sub = (name: string): Command | undefined =>
    command.commands.find((each) => each.name() === name);
  const verbs = VERBS.map(({ words, verb, keys: given, about }) => [
    `\`ctl ${words}\``,
    `\`${verb}\``,
    given.map((key) => `\`${key}\``).join(" "),
    about,
  ]);
  return {
    options: options(command),
    "ctl options": options(sub("ctl")),
    "top options": options(sub("top")),
    "process keys": keys(TOP_KEYS),
    "export keys": keys(EXPORT_KEYS),
    "shared keys": keys(SHARED_KEYS),
    models: modelTable(),
    verbs: table(["command", "`verb`", "keys", "what it does"], verbs),
    "target figures": figures("aoe_target_", TARGET_FIGURES),
    "interface figures": figures("aoe_interface_", INTERFACE_FIGURES),
    "export figures": `${figures("aoe_export_", EXPORT_FIGURES)}\n| \`${HISTOGRAM.key}\` | \`aoe_export_${HISTOGRAM.metric}\` | histogram | ${HISTOGRAM.about}; in \`stats\` null until the first |`,
  };
}

const END = "<!-- end -->";

/** What stands behind a mark in the page; null: there is no such mark. */
export function tableIn(page: string, mark: string): string | null {
  const begin = `<!-- ${mark} -->\n`;
  const at = page.indexOf(begin);
  const end = page.indexOf(`\n${END}`, at);
  return at < 0 || end < 0 ? null : page.slice(at + begin.length, end);
}

/** The page with `text` behind `mark`. */
export function withTable(page: string, mark: string, text: string): string {
  const begin = `<!-- ${mark} -->\n`;
  const at = page.indexOf(begin);
  const end = page.indexOf(END, at);
  if (at < 0 || end < 0) throw new Error(`invariant: the page has the mark ${mark}`);
  return `${page.slice(0, at + begin.length)}${text}\n${page.slice(end)}`;
}

/** Writes each table behind its mark. */
export async function writeTables(path: string, tables: Record<string, string>): Promise<void> {
  let page = await Bun.file(path).text();
  for (const [mark, text] of Object.entries(tables)) page = withTable(page, mark, text);
  await Bun.write(path, page);
}

if (import.meta.main) await writeTables(PAGE, manualTables());
