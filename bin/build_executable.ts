// The program as one file that needs neither Bun nor packages beside it:
//
//   npm run build:executable -- [--arch x64 | arm64] [--outfile FILE] [--bun FILE]
//
// Files that it reads at run time are built in by their paths (sys/root.ts). --bun is the Bun of another architecture,
// where Bun itself may not fetch one.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

import { revision, REVISION } from "../bench/machine/provenance.ts";
import { bundlePage, BUNDLED } from "../bench/report/html.ts";
import { makeScratch } from "../bench/machine/scratch.ts";
import { ownFile, ROOT } from "../sys/root.ts";

const MODULES = ["bin/executable.ts", "sys/io_worker.ts"];
const READ = ["fixtures/{baselines,jobs,profiles}/*", "bench/peers/*.{c,h}"];

const { values } = parseArgs({
  options: {
    arch: { type: "string", default: process.arch },
    outfile: { type: "string" },
    bun: { type: "string" },
  },
});
const { arch, outfile = `build/aoe-linux-${arch}`, bun } = values;
if (arch !== "x64" && arch !== "arm64") {
  process.stderr.write(`Expected --arch to be x64 or arm64, got \`${arch}\`\n`);
  process.exit(2);
}

// Bun builds a folder in by its own name, so what is needed of ours stands in folders beside each other first.
const scratch = makeScratch("executable");
function put(path: string, bytes: string | Uint8Array): void {
  const file = join(scratch.folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}
for (const pattern of READ) {
  for (const path of new Bun.Glob(pattern).scanSync({ cwd: ROOT }))
    put(path, readFileSync(ownFile(path)));
}
put(REVISION, JSON.stringify(revision()));
put(BUNDLED, await bundlePage());

mkdirSync(dirname(outfile), { recursive: true });
await Bun.build({
  entrypoints: MODULES.map(ownFile),
  root: ROOT,
  minify: { syntax: true, whitespace: true },
  // So that a command loads what it needs alone, compiled before.
  format: "esm",
  splitting: true,
  bytecode: true,
  compile: {
    target: `bun-linux-${arch}`,
    outfile,
    assets: readdirSync(scratch.folder).map((name) => join(scratch.folder, name)),
    // What lies about in the folder that it is started from is none of its settings.
    autoloadDotenv: false,
    autoloadBunfig: false,
    ...(bun === undefined ? {} : { executablePath: bun }),
  },
});
scratch.remove();
process.stdout.write(`${outfile}\n`);
