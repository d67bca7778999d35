// `aoe completion`, `aoe complete` (which its scripts ask) and `aoe man`.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Argument, Command } from "commander";

import manifest from "../package.json" with { type: "json" };
import { completionOf } from "../words/command_options.ts";
import { usage } from "../words/failure.ts";
import { cantWrite } from "../words/file_error.ts";
import { complete } from "./complete.ts";
import { manualPage, manualPages } from "./manual.ts";
import { answerFor, joinWords, SCRIPTS, type Shell, SHELLS } from "./scripts.ts";
import { valuesFor } from "./values.ts";

/** `aoe` with the directory that is named; with all of them where none is. */
export type ProgramOf = (directory: string | null) => Promise<Command>;

export function completionCommand(): Command {
  return new Command("completion")
    .description("Print what makes a shell complete aoe's command lines")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .action((shell: Shell) => {
      process.stdout.write(SCRIPTS[shell]);
    })
    .addHelpText(
      "after",
      `
Examples:
  source <(aoe completion bash)
  aoe completion bash > ~/.local/share/bash-completion/completions/aoe
  aoe completion zsh > "\${fpath[1]}/_aoe"
  aoe completion fish > ~/.config/fish/completions/aoe.fish`,
    );
}

export function completeCommand(programOf: ProgramOf): Command {
  return new Command("complete")
    .description("Answer a shell that completes a command line")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .argument("[words...]")
    .action(async (shell: Shell, given: string[]) => {
      const words = shell === "bash" ? joinWords(given) : given;
      const [directory = ""] = words;
      const program = await programOf(words.length > 1 ? directory : "");
      const found = await complete(completionOf(program), words, valuesFor(words));
      process.stdout.write(answerFor(shell, found, words.at(-1) ?? ""));
    });
}

export function manCommand(programOf: ProgramOf): Command {
  return new Command("man")
    .description("Print the manual page of a command")
    .argument("[command...]", "such as `bench run`; none: of aoe itself")
    .option("-o, --output <folder>", "write the pages of all commands there")
    .action(async (names: string[], { output }: { output?: string }) => {
      if (output !== undefined) {
        writePages(await programOf(null), output);
        return;
      }
      let command = await programOf(names[0] ?? "");
      for (const name of names) {
        const child = command.commands.find((one) => one.name() === name);
        if (child === undefined) throw usage(`There is no command \`aoe ${names.join(" ")}\``);
        command = child;
      }
      process.stdout.write(manualPage(command, ["aoe", ...names], manifest.version));
    })
    .addHelpText(
      "after",
      `
Examples:
  aoe man bench run | man -l -
  aoe man -o ~/.local/share/man/man1`,
    );
}

function writePages(program: Command, folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, page] of manualPages(program, manifest.version)) {
      writeFileSync(join(folder, name), page);
    }
  } catch (error) {
    throw cantWrite(folder, error);
  }
}
