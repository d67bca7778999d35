// The executable: built here, then used by an ordinary folder's path alone, without Bun and without packages.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { probeLab } from "../lab/lab.ts";
import { findProgram } from "../lab/programs.ts";
import manifest from "../package.json" with { type: "json" };
import { ownFile, ROOT } from "../sys/root.ts";
import { readSources } from "../testing/sources.ts";
import { usersToTry } from "../testing/suites/users.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-executable-test-"));
const empty = join(folder, "empty");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An ordinary one, where there is one. */
const user = usersToTry().at(-1);
const { uid = "", gid = "" } =
  /uid=(?<uid>\d+).*gid=(?<gid>\d+)/.exec(user?.prefix.join(" ") ?? "")?.groups ?? {};

/** What it leaves, and nothing of what npm or a shell has told us. */
function aoe(...words: string[]) {
  const ran = Bun.spawnSync([...(user?.prefix ?? []), "aoe", ...words], {
    cwd: empty,
    env: {
      PATH: `${folder}:/usr/bin:/bin:/usr/sbin:/sbin`,
      HOME: empty,
      TMPDIR: empty,
      AOE_BENCH_STATE: empty,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  return { code: ran.exitCode, out: ran.stdout.toString(), err: ran.stderr.toString() };
}

test("has built in whatever the sources start by file", async () => {
  const sources = await readSources(ROOT);
  const started = sources.flatMap(({ path, text }) =>
    path.endsWith(".test.ts") || path.startsWith("testing/docs/")
      ? []
      : [...text.matchAll(/ownFile\("([^"]+\.ts)"\)|memoryTrial: "(bench\/run\/[^"]+)"/g)].map(
          ([, by, part]) => by ?? part ?? "",
        ),
  );
  expect(new Set(started).size).toBeGreaterThan(5);
  const { text } = sources.find(({ path }) => path === "bin/executable.ts") ?? { text: "" };
  // What compares revisions needs a clone, and is refused.
  const others = started.filter((path) => !path.startsWith("bench/micro/"));
  expect(new Set(others).size).toBeGreaterThan(4);
  expect(others.filter((path) => !text.includes(`"${path}": () =>`))).toEqual([]);
});

describe(`one file, as ${user?.name}`, () => {
  beforeAll(() => {
    mkdirSync(empty);
    chmodSync(folder, 0o711);
    if (uid !== "") chownSync(empty, Number(uid), Number(gid));
    const built = Bun.spawnSync(
      [process.execPath, ownFile("bin/build_executable.ts"), "--outfile", join(folder, "aoe")],
      { cwd: folder, stdout: "pipe", stderr: "pipe" },
    );
    expect([built.exitCode, built.stderr.toString()]).toEqual([0, ""]);
  }, 120_000);

  test("says its version, and helps", () => {
    expect(aoe("--version").out.trim()).toBe(manifest.version);
    const rooms = ["target", "initiator", "bench", "lab", "decode"];
    const helps = rooms.map((room) => aoe(room, "--help"));
    expect(helps.map(({ code, out }) => [code, out.startsWith("Usage: aoe ")])).toEqual(
      rooms.map(() => [0, true]),
    );
  }, 60_000);

  const probe = probeLab();
  const why = probe.available ? "" : ` (skipped: ${probe.reason})`;

  test.skipIf(!probe.available)(
    `serves, by profile and beside the loop, and copies${why}`,
    () => {
      const script = `
        aoe target 7 3 b0 disk.img --create 1m -s --blocking worker --profile fast & target=$!
        aoe initiator discover --interface a0 --wait 5s
        dd if=/dev/urandom of=some bs=1k count=64 2>/dev/null
        aoe initiator write e7.3 some --interface a0
        aoe initiator read e7.3 -o copy --interface a0
        cmp -n 65536 some copy && echo equal
        kill $target; wait $target`;
      const { code, out, err } = aoe("lab", "--", "sh", "-c", script);
      expect([code, out, code === 0 ? "" : err]).toEqual([
        0,
        expect.stringMatching(/e7\.3.*\nequal\n$/),
        "",
      ]);
    },
    60_000,
  );

  test.skipIf(!probe.available)(
    `runs a job over raw sockets, with its null target and its late lab, and reports it${why}`,
    () => {
      copyFileSync(ownFile("fixtures/jobs/smoke.toml"), join(empty, "smoke.toml"));
      const run = aoe("bench", "run", "smoke.toml", "-o", "r.json", "--set", "pool=scan-swap");
      expect([run.code, run.code === 0 ? "" : run.err]).toEqual([0, ""]);
      expect(run.out).toContain("floor");
      const late = aoe("bench", "run", "smoke.toml", "--set", "late=hold:20ms", "--show");
      expect(late.code).toBeLessThan(3);
      const report = aoe("bench", "report", "r.json", "-o", "r.html");
      expect([report.code, report.err]).toEqual([0, expect.any(String)]);
      const { cells, provenance } = JSON.parse(
        Bun.spawnSync(["cat", "r.json"], { cwd: empty }).stdout.toString(),
      ) as { cells: unknown[]; provenance: { git_dirty: boolean | null } };
      expect(cells.length).toBeGreaterThan(0);
      expect(provenance).toHaveProperty("git_revision");
    },
    120_000,
  );

  test("simulates, fuzzes, measures in memory and under the virtual clock", () => {
    expect(aoe("bench", "sim", "--seeds", "5").err).toContain("5 runs, 0 failed");
    expect(aoe("bench", "sim", "--golden").code).toBe(0);
    expect(aoe("bench", "fuzz", "--cases", "2").code).toBe(0);
    const words = ["equal", "--trials", "4", "--times", "1", "--set", "runtime=20ms"];
    expect(aoe("bench", "prove", ...words).code).toBe(0);
  }, 300_000);

  const timer = findProgram("hyperfine") === null ? " (skipped: hyperfine is not here)" : "";

  test.skipIf(timer !== "")(
    `times its own commands${timer}`,
    () => {
      const { code, out, err } = aoe("bench", "whole", "cold-start", "--runs", "2");
      expect([code, out, code === 0 ? "" : err]).toEqual([
        0,
        expect.stringMatching(/aoe --version .*\n.*aoe bench --help /s),
        "",
      ]);
    },
    60_000,
  );

  test("says what needs a clone", () => {
    const { code, err } = aoe("bench", "ab", "HEAD");
    expect([code, err]).toEqual([5, expect.stringContaining("in a clone of the project")]);
  });
});
