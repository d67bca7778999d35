// `aoe bench report`: its options. What it does is loaded when it is named.

import { Command } from "commander";

export function reportCommand(): Command {
  return new Command("report")
    .description("draw results: a self-contained HTML file, Markdown, or SVG")
    .argument("<results...>", "files of `aoe bench run -o`, `reproduce` or `whole`")
    .option("-o, --output <file>", "html: the file; svg: a folder or file (default: stdout)")
    .option("--format <format>", "html, markdown or svg (default: by the output's name, else html)")
    .option("--section <id>", "svg: this section only, such as throughput, latency or caps")
    .addHelpText(
      "after",
      `
Examples:
  aoe bench report result.json -o report.html
  aoe bench report result.json --format markdown
  aoe bench report result.json --section throughput -o throughput.svg`,
    )
    .action(async (files: string[], flags: Record<string, unknown>) => {
      const { reportAction } = await import("./report_action.ts");
      process.exitCode = await reportAction(files, flags);
    });
}
