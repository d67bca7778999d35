// A manual page of a command, in the roff of man(7), from what its --help says.

import type { Command } from "commander";

/** `aoe bench run` is aoe-bench-run(1). */
function pageName(names: readonly string[]): string {
  return names.join("-");
}

/** Text within a line: no macro, no escape, hyphens that can be copied. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1");
}

function term(name: string, text: string): string {
  return `.TP\n\\fB${escaped(name)}\\fR\n${escaped(text)}\n`;
}

function section(title: string, body: string): string {
  return body === "" ? "" : `.SH ${title.toUpperCase()}\n${body}`;
}

/** What stands behind the options in --help: paragraphs, some with a heading of their own. */
function remarks(command: Command): string {
  let said = "";
  const output = { writeOut: (text: string) => (said += text), writeErr: () => {} };
  command.configureOutput(output);
  command.outputHelp();
  const after = said.slice(command.helpInformation().length).trim();
  if (after === "") return "";
  return after
    .split(/\n(?=\S[^\n]*:\n)/)
    .map((part) => {
      const [, heading, body] = /^(\S[^\n]*):\n([\s\S]*)$/.exec(part) ?? [];
      const text = `.nf\n${escaped((body ?? part).replace(/\n+$/, ""))}\n.fi\n`;
      return section(heading ?? "Notes", text);
    })
    .join("");
}

/** The page of a command; `names` lead to it from `aoe`. */
export function manualPage(command: Command, names: readonly string[], version: string): string {
  const help = command.createHelp();
  const name = pageName(names);
  const summary = help.commandDescription(command) || command.summary();
  const options = help.visibleOptions(command);
  const commands = help.visibleCommands(command);
  const synopsis = help.commandUsage(command).replace(/^.*?(?=\[options\]|<|\[|$)/, "");
  return [
    `.TH ${name.toUpperCase().replaceAll("-", "\\-")} 1 "" "aoe ${version}"\n`,
    section("Name", `${escaped(name)} \\- ${escaped(summary.split("\n")[0] ?? "")}\n`),
    section("Synopsis", `.B ${escaped(names.join(" "))}\n${escaped(synopsis)}\n`),
    section("Description", `${escaped(summary)}\n`),
    section(
      "Arguments",
      help
        .visibleArguments(command)
        .map((argument) => term(help.argumentTerm(argument), help.argumentDescription(argument)))
        .join(""),
    ),
    section(
      "Options",
      options
        .map((option) => term(help.optionTerm(option), help.optionDescription(option)))
        .join(""),
    ),
    section(
      "Commands",
      commands
        .map((child) => term(help.subcommandTerm(child), help.subcommandDescription(child)))
        .join(""),
    ),
    remarks(command),
    section(
      "See also",
      commands.map((child) => `.BR ${escaped(pageName([...names, child.name()]))} (1)\n`).join(""),
    ),
  ].join("");
}

/** Of a command and all below it: file name and page. */
export function manualPages(
  command: Command,
  version: string,
  before: readonly string[] = [],
): [string, string][] {
  const names = [...before, command.name()];
  const below = command.createHelp().visibleCommands(command);
  return [
    [`${pageName(names)}.1`, manualPage(command, names, version)],
    ...below.flatMap((child) => manualPages(child, version, names)),
  ];
}
