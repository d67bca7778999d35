// `aoe bench report` and `export`: their options. What they do is loaded when they are named.

import { Command } from "commander";

export function reportCommand(): Command {
  return new Command("report")
    .description("draw results: a self-contained HTML file, Markdown, or SVG")
    .argument(
      "<results...>",
      "files of `run`, `ab`, `compare`, `search`, `load`, `peers`, `growth`, `reproduce`, `whole`",
    )
    .option("-o, --output <file>", "html: the file; svg: a folder or file (default: stdout)")
    .option("--format <format>", "html, markdown or svg (default: by the output's name, else html)")
    .option("--section <id>", "svg: this section only, such as throughput, latency or caps")
    .addHelpText(
      "after",
      `
Examples:
  aoe bench report result.json -o report.html
  aoe bench report result.json --format markdown
  aoe bench report ab.json --format markdown                what a pull request takes
  aoe bench report result.json --section throughput -o throughput.svg`,
    )
    .action(async (files: string[], flags: Record<string, unknown>) => {
      const { reportAction } = await import("./report_action.ts");
      process.exitCode = await reportAction(files, flags);
    });
}

export function exportCommand(): Command {
  return new Command("export")
    .description("write a result in the form that Bencher, GitHub or a JUnit reader takes")
    .argument("<result>", "a file of `aoe bench run -o`, `reproduce` or `ab`")
    .requiredOption("--format <format>", "bmf, github-benchmark, junit or github")
    .option("-o, --output <file>", "the file (default: stdout)")
    .addHelpText(
      "after",
      `
github prints annotations, and appends a summary to the file that GITHUB_STEP_SUMMARY names.

Examples:
  aoe bench export result.json --format bmf -o bmf.json
  aoe bench export ab.json --format github`,
    )
    .action(async (file: string, flags: Record<string, unknown>) => {
      const { exportAction } = await import("./export_action.ts");
      process.exitCode = exportAction(file, flags);
    });
}
