// The Debian package: built here, installed into an empty root, used there, and purged.

import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findProgram } from "../lab/programs.ts";
import manifest from "../package.json" with { type: "json" };
import { ownFile } from "../sys/root.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-deb-test-"));
const root = join(folder, "root");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...words: string[]): string {
  const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
  const { exitCode, stdout, stderr } = Bun.spawnSync(words, { env, cwd: folder });
  const said = stderr.toString();
  expect({ words, exitCode, said }).toEqual({ words, exitCode: 0, said });
  return stdout.toString();
}

/** dpkg for `root`, whose packages (libc6 and all else) are not there, and which nobody enters. */
function dpkg(...words: string[]): void {
  const forced = ["depends", "script-chrootless", "not-root", "bad-path"];
  run("dpkg", `--root=${root}`, ...forced.map((what) => `--force-${what}`), ...words);
}

const filesIn = (path: string): string[] =>
  existsSync(path) ? readdirSync(path, { recursive: true, encoding: "utf8" }) : [];

const missing = ["dpkg-deb", "dpkg", "systemd-sysusers", "gzip"].filter(
  (program) => findProgram(program) === null,
);
const why = missing.length > 0 ? ` (skipped: ${missing.join(", ")} absent)` : "";

test.skipIf(why !== "")(
  `installed, it has the program, its unit, user, manual and completions; purged, nothing${why}`,
  () => {
    const deb = run(ownFile("bin/build_deb"), process.arch, folder).trim();
    expect(run("dpkg-deb", "--field", deb, "Package", "Version")).toBe(
      `Package: aoe\nVersion: ${manifest.version}\n`,
    );
    mkdirSync(join(root, "var/lib/dpkg/info"), { recursive: true });
    mkdirSync(join(root, "var/lib/dpkg/updates"));
    mkdirSync(join(root, "etc"));
    run("touch", join(root, "var/lib/dpkg/status"), join(root, "var/lib/dpkg/available"));
    dpkg("--install", deb);
    const aoe = join(root, "usr/bin/aoe");
    expect(run(aoe, "--version").trim()).toBe(manifest.version);
    expect(run(aoe, "bench", "sim", "--golden")).toBe("");
    expect(readFileSync(join(root, "etc/passwd"), "utf8")).toMatch(/^aoe:x:\d+:\d+:AoE target:/m);
    const unit = readFileSync(join(root, "usr/lib/systemd/system/aoe-target@.service"), "utf8");
    expect(unit).toContain("ExecStart=/usr/bin/aoe target");
    expect(unit).not.toContain("/usr/local/");
    const [, page = ""] = /^Documentation=file:(.*)$/m.exec(unit) ?? [];
    expect(existsSync(join(root, page))).toBe(true);
    expect(filesIn(join(root, "usr/share"))).toEqual(
      expect.arrayContaining([
        "man/man1/aoe-target-ctl.1.gz",
        "bash-completion/completions/aoe",
        "zsh/vendor-completions/_aoe",
        "fish/vendor_completions.d/aoe.fish",
        "doc/aoe/copyright",
      ]),
    );
    dpkg("--purge", "aoe");
    expect(filesIn(join(root, "usr"))).toEqual([]);
  },
  300_000,
);
