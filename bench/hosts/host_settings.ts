// Coalescing of an interface by `ethtool`, and where its journal stands: in the user's cache
// folder, by the names of machine and interface, since homes may be shared by NFS.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../lab/programs.ts";
import { interfaceDriver } from "../../sys/interface_driver.ts";
import { environment } from "../../words/failure.ts";
import type { Settings, SettingsWorld } from "./settings_journal.ts";

/** Kept between runs: journals, and what was put there. */
export function cacheFolder(): string {
  const folder = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "aoe");
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Of `ethtool -c`, by the words that `ethtool -C` takes; what the driver has not is left out. */
export function parseCoalescing(text: string): Settings {
  const found: Record<string, string> = {};
  const adaptive = /^Adaptive RX:\s*(on|off)\s+TX:\s*(on|off)/m.exec(text);
  if (adaptive?.[1] !== undefined) found["adaptive-rx"] = adaptive[1];
  if (adaptive?.[2] !== undefined) found["adaptive-tx"] = adaptive[2];
  for (const [, key = "", value = ""] of text.matchAll(
    /^([rt]x-(?:usecs|frames)):\s*(\d+)\s*$/gm,
  )) {
    found[key] = value;
  }
  return found;
}

/** Where adaptive coalescing is on, it would overrule what is set. */
export function withoutAdaptive(settings: Settings, were: Settings): Settings {
  const ways = ["rx", "tx"].filter(
    (way) =>
      were[`adaptive-${way}`] === "on" &&
      Object.keys(settings).some((key) => key.startsWith(`${way}-`)),
  );
  return { ...Object.fromEntries(ways.map((way) => [`adaptive-${way}`, "off"])), ...settings };
}

export function settingsOf(name: string, time: () => string): SettingsWorld {
  const path = join(cacheFolder(), `settings.${hostname()}.${name}.json`);
  return {
    boot: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    time,
    read: () => parseCoalescing(ethtool("-c", name)),
    write(settings) {
      const words = Object.entries(settings).flat();
      try {
        ethtool("-C", name, ...words);
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        const driver = interfaceDriver(name) ?? "no driver";
        throw environment(`${name} (${driver}) refuses ${words.join(" ")}: ${said}`);
      }
    },
    load() {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return null;
      }
    },
    store(journal) {
      if (journal === null) rmSync(path, { force: true });
      else writeFileSync(path, journal);
    },
  };
}

function ethtool(...words: string[]): string {
  const program = findProgram("ethtool");
  if (program === null) throw environment("ethtool is not in PATH (Debian: apt install ethtool)");
  const child = Bun.spawnSync([program, ...words], { stdout: "pipe", stderr: "pipe" });
  // 80: unmodified, since it is so already.
  if (child.exitCode === 0 || child.exitCode === 80) return child.stdout.toString();
  throw new Error(child.stderr.toString().trim().replaceAll("\n", " "));
}
