// `aoe bench report`: reads results, writes a report.

import { mkdirSync } from "node:fs";
import { extname, join } from "node:path";
import { EXIT, expected, failed, usage } from "../../words/failure.ts";
import { cantWrite } from "../../words/file_error.ts";
import { checkOutput, writeOutput } from "../machine/output.ts";
import { compose } from "./compose.ts";
import { readMaterial } from "./read_material.ts";
import type { Report } from "./report.ts";

const FORMATS = ["html", "markdown", "svg"] as const;
type Format = (typeof FORMATS)[number];

interface Flags {
  readonly output?: string;
  readonly format?: string;
  readonly section?: string;
}

/** By the output's ending; without one, and on stdout, it is HTML. */
const BY_NAME: Readonly<Record<string, Format>> = {
  "": "html",
  ".html": "html",
  ".htm": "html",
  ".md": "markdown",
  ".svg": "svg",
};
const ENDINGS = ".html, .md or .svg";

/** Returns the exit code. */
export async function reportAction(
  files: readonly string[],
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  const format = formatOf(flags);
  if (flags.section !== undefined && format !== "svg") {
    throw usage(`Expected \`--section\` with the format svg, got it with ${format}`);
  }
  // All charts go into a folder, which is made.
  if (format !== "svg" || flags.section !== undefined) checkOutput(flags.output);
  const report = compose(readMaterial(files));
  if (format === "html") {
    const { reportHtml } = await import("./html.ts");
    write(flags.output, await reportHtml(report));
  } else if (format === "markdown") {
    const { reportMarkdown } = await import("./markdown.ts");
    write(flags.output, reportMarkdown(report));
  } else {
    await writeSvg(report, flags);
  }
  return EXIT.done;
}

function formatOf({ format, output }: Flags): Format {
  if (format === undefined) {
    const ending = extname(output ?? "").toLowerCase();
    const named = BY_NAME[ending];
    if (named !== undefined) return named;
    // A .png with HTML in it would not open.
    throw expected(
      "--output",
      `a name that ends with ${ENDINGS}, or given with \`--format\``,
      output,
    );
  }
  const found = FORMATS.find((name) => name === format);
  if (found === undefined) throw expected("--format", `one of ${FORMATS.join(", ")}`, format);
  return found;
}

/** One section into a file or to stdout, or every section that has charts into a folder. */
async function writeSvg(report: Report, { section: wanted, output }: Flags): Promise<void> {
  const { sectionSvg } = await import("./svg.ts");
  if (wanted !== undefined) {
    const section = report.sections.find(({ id }) => id === wanted);
    if (section === undefined) {
      const ids = report.sections.map(({ id }) => id).join(", ");
      throw expected("--section", `one of ${ids}`, wanted);
    }
    const svg = sectionSvg(section);
    if (svg === null) throw failed(`There is nothing to draw: ${section.finding}`);
    write(output, svg);
    return;
  }
  if (output === undefined || extname(output) === ".svg") {
    throw usage(
      "Expected `--section` for one SVG file, or a folder as `--output` for all, got neither",
    );
  }
  for (const section of report.sections) {
    const svg = sectionSvg(section);
    if (svg !== null) write(join(output, `${section.id}.svg`), svg, output);
  }
}

/** `folder` is made where it is not there. */
function write(path: string | undefined, text: string, folder?: string): void {
  if (path === undefined) {
    process.stdout.write(text);
    return;
  }
  if (folder !== undefined) makeFolder(folder);
  writeOutput(path, text);
  process.stderr.write(`${path}\n`);
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw cantWrite(path, error);
  }
}
