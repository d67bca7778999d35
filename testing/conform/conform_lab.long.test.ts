// The suite as a command, over raw sockets: our target passes whole, and so it is written down; vblade's
// outcome is what docs/conformance.md tells; the capture, the exit codes, the warning.

import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, test } from "bun:test";

import { read as readCapture } from "../../wire/read_capture.ts";
import { isMalformed } from "../../wire/malformed.ts";
import { probeLab, runInLab } from "../../lab/lab.ts";
import { findProgram } from "../../lab/programs.ts";
import { TARGETS } from "./odd_ways.ts";
import { cell } from "./report.ts";
import type { RuleOutcome } from "./suite.ts";

const AOE = join(import.meta.dir, "../../aoe.ts");
const folder = mkdtempSync(join(tmpdir(), "aoe-conform-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ODD_TARGET = join(import.meta.dir, "odd_target.ts");

/** A busy machine starts a target late. */
const PATIENT = ["--answer", "300ms", "--wait", "60s"];

/** A target of odd_target.ts says what its neighbour is, before the suite and after it. */
const ODD = `bun=$1 odd=$2 name=$3 said=$4; shift 4
  "$bun" "$odd" "$name" b0 >"$said" & target=$!
  until [ -s "$said" ]; do sleep 0.05; done
  "$bun" "$@"; kill $target; wait $target; cat "$said"`;

/** Two targets on one interface: the suite's, and one that only its own client should change. */
const BESIDE = `vblade=$1 a=$2 b=$3; shift 3
  "$vblade" 7 3 b0 "$a" >/dev/null 2>&1 & one=$!
  "$vblade" 7 4 b0 "$b" >/dev/null 2>&1 & two=$!
  until "$1" "$2" initiator info e7.4 --interface a0 >/dev/null 2>&1; do sleep 0.1; done
  "$@"; code=$?
  "$1" "$2" initiator config e7.4 --interface a0 --json; "$1" "$2" initiator reserve e7.4 --interface a0 --json
  kill $one $two; exit $code`;

/** Runs the suite in a lab; the target starts when the suite listens, so that it is heard announcing itself. */
async function inLab(
  target: string,
  options: readonly string[],
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const image = join(folder, `${crypto.randomUUID()}.img`);
  writeFileSync(image, "");
  truncateSync(image, 4 << 20);
  const script = `"$@" 2>${image}.err & suite=$!
    until grep -q Listening ${image}.err; do sleep 0.02; done
    ${target} 7 3 b0 ${image} >/dev/null 2>&1 & target=$!
    wait $suite; code=$?
    kill $target 2>/dev/null; wait $target
    cat ${image}.err >&2; exit $code`;
  const run = await runInLab(
    [
      ...["sh", "-c", script, "sh", process.execPath, AOE, "bench", "conform", "e7.3"],
      ...["--interface", "a0", "--yes-scratch", "--past-end", ...PATIENT, ...options],
    ],
    { mtu: 1500, timeoutMs: 110_000 },
  );
  return run;
}

/**
 * Ends the suite by a signal in the midst of a rule: the target answers no ATA command any more, so that each of its
 * questions is waited for. Then what stands at the target is asked.
 */
const CUT = `control=$1; shift
  "$@" target 7 3 b0 "$control.img" --create 4m --service delay:30ms --control "$control" >/dev/null 2>&1 & target=$!
  until "$@" initiator config e7.3 set mine --interface a0 >/dev/null 2>&1; do sleep 0.1; done
  "$@" bench conform e7.3 --interface a0 --yes-scratch --answer 1s >/dev/null 2>"$control.err" & suite=$!
  until grep -q Testing "$control.err"; do sleep 0.02; done
  "$@" target ctl service e7.3 drop:100% --socket "$control"
  until [ "$("$@" initiator config e7.3 --interface a0)" != mine ]; do sleep 0.1; done
  sleep 1; kill -INT $suite; began=$(date +%s%N); wait $suite; echo "code $?"
  echo "took $(( ($(date +%s%N) - began) / 1000000 ))"
  for what in config mask reserve; do "$@" initiator $what e7.3 --interface a0 --json; done
  kill $target; wait $target; cat "$control.err" >&2`;

/** The column of docs/conformance.md under `name`, by rule. */
async function documented(name: string): Promise<Record<string, string>> {
  const text = await Bun.file(join(import.meta.dir, "../../docs/conformance.md")).text();
  const rows = text.split("\n").filter((line) => line.startsWith("| "));
  const cells = (line: string): string[] =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((word) => word.trim());
  const head = cells(rows.find((line) => line.startsWith("| rule ")) ?? "");
  const column = head.indexOf(name);
  expect(column).toBeGreaterThan(0);
  return Object.fromEntries(
    rows
      .map(cells)
      .filter(([id]) => /^P\d+$/.test(id ?? ""))
      .map((row) => [row[0] ?? "", row[column] ?? ""]),
  );
}

function table(json: string): Record<string, string> {
  const { rules } = JSON.parse(json) as {
    rules: (Omit<RuleOutcome, "notTested"> & { not_tested: string[] })[];
  };
  return Object.fromEntries(
    rules.map(({ not_tested: notTested, ...rest }) => [rest.id, cell({ ...rest, notTested })]),
  );
}

const lab = probeLab({ mtu: 1500 });
describe("over raw sockets", () => {
  if (!lab.available) {
    test.skip(`the suite in a lab: ${lab.reason}`, () => {});
    return;
  }

  test.concurrent(
    "our target passes whole, as docs/conformance.md says, and the frames are captured",
    async () => {
      const pcap = join(folder, "ours.pcap");
      const ours = `${process.execPath} ${AOE} target`;
      const run = await inLab(ours, ["--json", "--capture", pcap]);
      expect(run.stderr).toContain("33 pass, 0 differ, 1 not tested");
      expect(run.exitCode).toBe(0);
      expect(table(run.stdout)).toEqual(await documented("aoe target"));
      const bytes = await Bun.file(pcap).bytes();
      const capture = readCapture(new DataView(bytes.buffer));
      if (isMalformed(capture)) throw new Error("the capture is one");
      let frames = 0;
      while (capture.next() !== null) frames++;
      const sent = Number(/(\d+) frames sent/.exec(run.stderr)?.[1]);
      expect(sent).toBeGreaterThan(400);
      expect(frames).toBeGreaterThan(sent);
    },
    120_000,
  );

  test.concurrent(
    "a signal in the midst of a rule: heard at once, and the target is as it was",
    async () => {
      const control = join(folder, "cut");
      const run = await runInLab(["sh", "-c", CUT, "sh", control, process.execPath, AOE], {
        mtu: 1500,
        timeoutMs: 110_000,
      });
      expect(run.stdout.split("\n").slice(-5, -1)).toEqual([
        expect.stringMatching(/^took/),
        expect.stringContaining('"config":"mine"'),
        expect.stringContaining("[]"),
        expect.stringContaining('"macs":[]'),
      ]);
      expect(run.stdout).toContain("code 130\n");
      expect(run.stderr).toMatch(/pass, 0 differ, [0-9]+ not tested/);
    },
    120_000,
  );

  const vblade = findProgram("vblade");
  const version = vblade === null ? null : vbladeVersion();
  if (vblade === null) test.skip("vblade against docs/conformance.md: no vblade here", () => {});
  else if (version !== "25") {
    test.skip(`vblade against docs/conformance.md: this is version ${version}, not 25`, () => {});
  } else {
    test.concurrent(
      "vblade 25 ends as docs/conformance.md says",
      async () => {
        const run = await inLab(vblade, ["--json"]);
        expect(run.exitCode).toBe(1);
        expect(table(run.stdout)).toEqual(await documented("vblade 25"));
      },
      120_000,
    );
  }

  if (vblade === null) test.skip("a vblade beside another: no vblade here", () => {});
  else {
    test.concurrent(
      "a neighbour on the same wire keeps every byte, its string and its reservation",
      async () => {
        const image = (name: string) => join(folder, `beside-${name}.img`);
        writeFileSync(image("a"), new Uint8Array(1 << 20));
        const before = crypto.getRandomValues(new Uint8Array(65_536));
        const whole = Buffer.concat(Array.from({ length: 16 }, () => before));
        writeFileSync(image("b"), whole);
        const run = await runInLab(
          [
            ...["sh", "-c", BESIDE, "sh", vblade, image("a"), image("b"), process.execPath, AOE],
            ...["bench", "conform", "e7.3", "--interface", "a0", "--yes-scratch"],
            ...[...PATIENT, "--json"],
          ],
          { mtu: 1500, timeoutMs: 110_000 },
        );
        expect(run.stderr).toContain(
          "e7.4 answers here too: no change is sent to every address, so P33 is tested in part\n",
        );
        expect(run.exitCode).toBe(1);
        const [json = "", string, members] = run.stdout.split("\n");
        expect(table(json)["P33"]).toBe("passes");
        expect(run.stdout).toContain("another address answers here, e7.4,");
        expect(readFileSync(image("b")).equals(whole)).toBe(true);
        expect([string, members]).toEqual([
          expect.stringContaining('"config":""'),
          expect.stringContaining('"macs":[]'),
        ]);
      },
      120_000,
    );
  }

  for (const [deviation, oddity] of TARGETS) {
    test.concurrent(
      `${deviation}; ${oddity}: the deviation alone is told, and a neighbour keeps every byte`,
      async () => {
        const said = join(folder, crypto.randomUUID());
        const run = await runInLab(
          [
            ...["sh", "-c", ODD, "sh", process.execPath, ODD_TARGET, deviation, said, AOE],
            ...["bench", "conform", "e7.3", "--interface", "a0", "--yes-scratch", "--past-end"],
            ...[...PATIENT, "--json"],
            ...(deviation.startsWith("P33") ? ["--alone"] : []),
          ],
          { mtu: 1500, timeoutMs: 110_000 },
        );
        const [json = "", before, after] = run.stdout.split("\n");
        const { rules } = JSON.parse(json) as { rules: RuleOutcome[] };
        const told = rules.filter(({ outcome }) => outcome === "differs").map(({ id }) => id);
        expect(told).toEqual([deviation.split(" ")[0] as string]);
        expect(before).toContain('{"bytes":');
        expect(after === before).toBe(!deviation.startsWith("P33"));
      },
      120_000,
    );
  }

  test.concurrent("it says what it would do to the export before it does it", async () => {
    const run = await runInLab([
      ...[process.execPath, AOE, "bench", "conform", "e7.3", "--interface", "a0"],
    ]);
    expect(run.stderr).toBe(
      "The suite writes to the first 64 sectors of e7.3 and sets its config string, mask list and reservation: say --yes-scratch where nothing on it is needed\n",
    );
    expect(run.exitCode).toBe(2);
    const alone = await runInLab([
      ...[process.execPath, AOE, "bench", "conform", "e7.3", "--interface", "a0"],
      ...["--yes-scratch", "--wait", "100ms"],
    ]);
    expect(alone.stderr).toBe("Listening on a0 for e7.3\ne7.3 did not answer within 100 ms\n");
    expect(alone.exitCode).toBe(6);
  });
});

/** Debian's package version: the program itself does not tell. */
function vbladeVersion(): string {
  const dpkg = findProgram("dpkg-query");
  if (dpkg === null) return "unknown";
  const run = Bun.spawnSync([dpkg, "-W", "vblade"]);
  // `vblade	25-1+b1`
  return /\t([^-+\n]+)/.exec(run.stdout.toString())?.[1] ?? "unknown";
}
