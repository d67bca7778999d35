// A report as one HTML file that needs nothing else: Bun's bundler puts page/ and Plot into it, the report
// goes in as data. It asks no network for anything, and its own policy forbids it to.
//
//   page.html + page.css + page.ts (+ draw/, Plot)  ── Bun.build ──▶  one file  ── data, policy ──▶  report.html

import { readFileSync } from "node:fs";
import type { Report } from "./report.ts";
import { BUILT_IN, ownFile } from "../../sys/root.ts";

const PAGE = ownFile("bench/report/page/page.html");
const DATA = '<script type="application/json" id="data">';
const CHARSET = '<meta charset="utf-8"';

/** The page before its data; in an executable it was bundled when that was built. */
export const BUNDLED = "build/page.html";

export async function bundlePage(): Promise<string> {
  const built = await Bun.build({
    entrypoints: [PAGE],
    compile: true,
    target: "browser",
    minify: true,
  });
  const [output] = built.outputs;
  if (!built.success || output === undefined) {
    throw new Error(`The report's page could not be bundled: ${built.logs.join("; ")}`);
  }
  return output.text();
}

export async function reportHtml(report: Report): Promise<string> {
  const html = BUILT_IN ? readFileSync(ownFile(BUNDLED), "utf8") : await bundlePage();
  return fill(fill(html, CHARSET, `${policy(html)}${CHARSET}`), DATA, DATA + embeddable(report));
}

/** Puts `by` in the place of `mark`, which is there once. */
function fill(html: string, mark: string, by: string): string {
  const [before, after, ...more] = html.split(mark);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`invariant: the page has \`${mark}\` once`);
  }
  return before + by + after;
}

/** JSON that no HTML parser can end or comment out: texts of results may hold `</script>`. */
function embeddable(report: Report): string {
  return JSON.stringify(report)
    .replaceAll("<", "\\u003c")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}

/** Scripts: this one and no other. Everything else that would load something: nothing. */
function policy(html: string): string {
  const script = /<script type="module">([\s\S]*?)<\/script>/.exec(html)?.[1];
  if (script === undefined) throw new Error("invariant: the page has its script");
  const hash = new Bun.CryptoHasher("sha256").update(script).digest("base64");
  const rules = [
    "default-src 'none'",
    `script-src 'sha256-${hash}'`,
    "style-src 'unsafe-inline'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return `<meta http-equiv="Content-Security-Policy" content="${rules.join("; ")}" />`;
}
