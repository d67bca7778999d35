// Where a result comes from: what one must know to repeat it, or to refuse to compare it.

import { existsSync, readFileSync } from "node:fs";
import { cpus, hostname, release } from "node:os";
import { allowedCpus } from "../../sys/affinity.ts";
import manifest from "../../package.json" with { type: "json" };
import * as v from "valibot";
import { FactSchema, systemFacts } from "./system_facts.ts";
import { about, text, type Deep } from "./schema.ts";
import { BUILT_IN, ROOT, ownFile } from "../../sys/root.ts";

export function provenance(): Provenance {
  return {
    program: `aoe ${manifest.version}`,
    ...revision(),
    bun: `${Bun.version}+${Bun.revision.slice(0, 9)}`,
    kernel: release(),
    architecture: process.arch,
    cpu: cpus()[0]?.model ?? "unknown",
    cpus_allowed: allowedCpus(),
    governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    machine: machine(),
    user: process.getuid?.() === 0 ? "root" : "ordinary",
    system: systemFacts(),
  };
}

/** What an executable was built from stands in it. */
export const REVISION = "build/revision.json";

/** Of the sources that run; nulls outside a git work tree. */
export function revision(): Pick<Provenance, "git_revision" | "git_dirty"> {
  if (BUILT_IN) {
    return JSON.parse(readFileSync(ownFile(REVISION), "utf8")) as ReturnType<typeof revision>;
  }
  const git_revision = git(ROOT, "rev-parse", "HEAD");
  const status = git_revision === null ? null : git(ROOT, "status", "--porcelain");
  return { git_revision, git_dirty: status === null ? null : status !== "" };
}

/** Not the machine's id itself: a result is meant to be passed on. */
function machine(): string {
  const words = [read("/etc/machine-id") ?? hostname(), cpus()[0]?.model, cpus().length, release()];
  return Bun.hash.crc32(words.join("|")).toString(16).padStart(8, "0");
}

function read(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8").trim() : null;
}

function git(folder: string, ...words: string[]): string | null {
  const program = Bun.which("git");
  if (program === null) return null;
  const run = Bun.spawnSync([program, "-C", folder, ...words], {
    stdout: "pipe",
    stderr: "ignore",
  });
  return run.exitCode === 0 ? run.stdout.toString().trim() : null;
}

export const ProvenanceSchema = v.object({
  program: v.string(),
  git_revision: about(v.nullable(v.string()), "null: not run from a git work tree"),
  git_dirty: about(v.nullable(v.boolean()), "whether files differ from that revision"),
  bun: v.string(),
  kernel: v.string(),
  architecture: v.string(),
  cpu: v.string(),
  cpus_allowed: v.array(v.number()),
  governor: about(v.nullable(v.string()), "null: this machine doesn't say"),
  machine: text("a hash that tells machines apart: machine-id, CPU, kernel"),
  user: v.picklist(["root", "ordinary"]),
  system: about(
    v.optional(v.record(v.string(), FactSchema)),
    "what the kernel says of CPUs and clocks, or why it can't be read; absent in older results",
  ),
});

export type Provenance = Deep<v.InferOutput<typeof ProvenanceSchema>>;
