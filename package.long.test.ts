// The package: what npm installs from a tarball, and what a project that imports it sees.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

import { probeLab } from "./lab/lab.ts";
import lock from "./package-lock.json" with { type: "json" };
import manifest from "./package.json" with { type: "json" };
import { ownImportsOf, readSources } from "./testing/sources.ts";
import { usersToTry } from "./testing/suites/users.ts";

const HERE = import.meta.dir;
const folder = mkdtempSync(join(tmpdir(), "aoe-package-"));
const tarball = join(folder, `aoe-${manifest.version}.tgz`);
const unpacked = join(folder, "node_modules/aoe");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(cwd: string, command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const clean = { ...process.env, npm_config_update_notifier: "false", ...env };
  const ran = Bun.spawnSync([...command], { cwd, env: clean, stdout: "pipe", stderr: "pipe" });
  return { code: ran.exitCode, out: ran.stdout.toString(), err: ran.stderr.toString() };
}

/** All files below `at`, as paths from there. */
function filesOf(at: string): string[] {
  const all = readdirSync(at, { recursive: true, withFileTypes: true });
  const files = all.filter((entry) => !entry.isDirectory());
  return files.map((entry) => relative(at, join(entry.parentPath, entry.name))).toSorted();
}

beforeAll(() => {
  const packed = run(HERE, ["npm", "pack", "--silent", "--pack-destination", folder]);
  if (packed.code !== 0) throw new Error(`npm pack: ${packed.out}${packed.err}`);
  chmodSync(folder, 0o711);
  mkdirSync(unpacked, { recursive: true });
  run(folder, ["tar", "-xzf", tarball, "--strip-components=1", "-C", unpacked]);
}, 120_000);

test("every package takes the oldest Node that is promised, so npm warns of none", () => {
  const oldest = manifest.engines.node.replace(">=", "");
  expect(oldest).toMatch(/^\d+\.\d+$/);
  const packages = Object.entries(lock.packages as Record<string, { engines?: { node?: string } }>);
  const asking = packages.filter(([, { engines }]) => engines?.node !== undefined);
  expect(asking.length).toBeGreaterThan(20);
  const refuse = asking.filter(
    ([, { engines }]) => !Bun.semver.satisfies(`${oldest}.0`, engines?.node ?? ""),
  );
  expect(refuse.map(([name, { engines }]) => `${name} ${engines?.node}`)).toEqual([]);
});

test("no package that ships has an install script, which npm would ask about", () => {
  const packages = Object.entries(
    lock.packages as Record<string, { dev?: boolean; hasInstallScript?: boolean }>,
  );
  const scripts = packages.filter(([, one]) => one.hasInstallScript === true);
  expect(scripts.length).toBeGreaterThan(0);
  expect(scripts.filter(([, one]) => one.dev !== true)).toEqual([]);
});

describe("the tarball", () => {
  test("a registry has nothing to say about it", () => {
    const { err } = run(HERE, ["npm", "publish", "--dry-run", "--ignore-scripts", tarball]);
    const warnings = err.split("\n").filter((line) => /npm (warn|error)/.test(line));
    expect(warnings.filter((line) => !line.includes("logged in"))).toEqual([]);
  }, 60_000);

  // npm links none of a folder that it is told of.
  test("names each manual page that it has", () => {
    const pages = filesOf(join(unpacked, "man")).map((page) => `man/${page}`);
    expect(manifest.man).toEqual(pages);
  });

  test("has all that its files import, and no test, result or capture", async () => {
    const files = new Set(filesOf(unpacked));
    expect([...files].filter((file) => /\.test\.ts$|results\/|\.pcap$/.test(file))).toEqual([]);
    const sources = await readSources(unpacked);
    expect(sources.length).toBeGreaterThan(300);
    const missing = sources.flatMap((source) =>
      ownImportsOf(source)
        .filter((to) => !files.has(to))
        .map((to) => `${source.path} imports ${to}`),
    );
    expect(missing).toEqual([]);
  });

  test.each([
    ["NodeNext", "NodeNext"],
    ["Preserve", "bundler"],
  ])(
    "types a project that imports it, by module %s",
    async (module, moduleResolution) => {
      const project = join(folder, `types-${module}`);
      mkdirSync(project);
      const example = await Bun.file(join(HERE, "initiator/example.ts")).text();
      const wrong = example.replace("device.read(0, 1)", 'device.read("0", 1)');
      expect(wrong).not.toBe(example);
      await Bun.write(join(project, "right.ts"), example);
      await Bun.write(join(project, "wrong.ts"), wrong);
      await Bun.write(join(project, "package.json"), '{"type":"module"}');
      const compilerOptions = {
        ...{ target: "ESNext", module, moduleResolution, strict: true, noEmit: true },
        ...{ exactOptionalPropertyTypes: true, types: ["bun-types"] },
        typeRoots: [join(HERE, "node_modules")],
      };
      await Bun.write(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions }));
      const { code, out } = run(project, [join(HERE, "node_modules/.bin/tsc"), "-p", "."]);
      const told = out.split("\n").filter((line) => line.includes("error TS"));
      expect([code, told.map((line) => line.replace(/\(.*/, ""))]).toEqual([1, ["wrong.ts"]]);
    },
    60_000,
  );
});

/** A registry that can't be reached is no fault of the package. */
const registry = run(folder, ["npm", "view", "valibot", "version", "--fetch-retries=0"]);
const lab = probeLab();
const absent =
  registry.code === 0 ? (lab.available ? "" : lab.reason) : "the npm registry is out of reach";

/** Completed by bash itself, and where the manual is. */
const SHELL = `source <(aoe completion bash)
  COMP_WORDS=(aoe bench load --li) COMP_CWORD=3; _aoe; echo "\${COMPREPLY[@]}"
  cat "$(dirname "$(command -v aoe)")/../share/man/man1/aoe-target.1" | head -c 3`;
/** A target and an initiator. */
const SERVE = `aoe target 7 3 b0 disk.img --create 1m & sleep 1
  aoe initiator discover --interface a0; kill %1; wait`;

describe.each(usersToTry())(
  "installed from an empty place, as $name",
  ({ name, prefix: as, env }) => {
    test.skipIf(absent !== "")(
      `it completes, serves and goes without a trace${absent && ` (skipped: ${absent})`}`,
      () => {
        // Not below the folder of the others, which is root's.
        const home = env["HOME"] ?? mkdtempSync(join(folder, "home-"));
        const [prefix, empty, cache] = [
          join(home, "prefix"),
          join(home, "empty"),
          join(home, "npm"),
        ];
        // From nothing but its own Bun, and with what the user has.
        const node = dirname(Bun.which("node") ?? "");
        const PATH = `${join(prefix, "bin")}:${node}:/usr/bin:/bin:/usr/sbin:/sbin`;
        const own = {
          ...env,
          HOME: home,
          PATH,
          ...(name === "root" ? {} : { npm_config_cache: cache }),
        };
        const did = (...command: string[]) => run(empty, [...as, ...command], own);
        run(home, [...as, "mkdir", prefix, empty]);
        const global = ["-g", "--prefix", prefix, "--no-audit", "--no-fund"];
        const installed = did("npm", "install", ...global, tarball);
        expect([installed.code, installed.err]).toEqual([0, ""]);
        expect(did("bash", "-c", SHELL).out).toBe("--link\n.TH");
        const served = did("aoe", "lab", "--", "bash", "-c", SERVE);
        expect([served.code, served.out]).toEqual([0, expect.stringContaining("e7.3")]);
        // By a link of the user's own too.
        expect(did("ln", "-s", join(prefix, "bin/aoe"), "linked").code).toBe(0);
        expect(did("./linked", "--version").out.trim()).toBe(manifest.version);
        const library = 'import { openInitiator } from "aoe"; console.log(typeof openInitiator);';
        const modules = join(prefix, "lib/node_modules");
        const bun = readdirSync(join(modules, "aoe/node_modules/@oven"))[0] ?? "";
        expect(did("ln", "-s", modules, "node_modules").code).toBe(0);
        const imports = [join(modules, "aoe/node_modules/@oven", bun, "bin/bun"), "-e", library];
        expect(did(...imports).out.trim()).toBe("function");
        expect(did("npm", "uninstall", "-g", "--prefix", prefix, "aoe").code).toBe(0);
        expect(did("rm", "linked", "node_modules").code).toBe(0);
        // But for what npm and Bun keep for the next time.
        const left = filesOf(home).filter((file) => !/^(npm|\.npm|\.bun)\//.test(file));
        expect(left).toEqual(["empty/disk.img"]);
      },
      300_000,
    );
  },
);
