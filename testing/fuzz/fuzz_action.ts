// `aoe bench fuzz`: cases until the time is up, findings as they come.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { catchInterrupt } from "../../initiator/commands/interrupted.ts";
import { EXIT, expected } from "../../words/failure.ts";
import { fileReason } from "../../words/file_error.ts";
import { wallMilliseconds } from "../../sys/clock.ts";
import { parseDuration, parseInteger } from "../../words/quantity.ts";
import { codeOf } from "../../bench/machine/cut_short.ts";
import { fuzz, OUTSIDE, SURFACES } from "./fuzz.ts";
import type { Finding } from "./surface.ts";
import { printableJson, printableLines } from "../../words/printable.ts";
import { say } from "../../words/say.ts";

export interface FuzzFlags {
  readonly seconds?: string;
  readonly cases?: string;
  readonly case?: string;
  readonly seed?: string;
  readonly only?: string;
  readonly save?: string;
  readonly json?: boolean;
}

/** The exit code: 1 where something was found. */
export async function fuzzAction(flags: FuzzFlags): Promise<number> {
  const all = [...SURFACES, ...OUTSIDE];
  const names = all.map(({ name }) => name);
  const usual = SURFACES.map(({ name }) => name).join(",");
  const wanted = (flags.only ?? usual).split(",").map((name) => name.trim());
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw expected("--only", `some of ${names.join(", ")}`, unknown);
  const surfaces = all.filter(({ name }) => wanted.includes(name));
  const seed =
    flags.seed === undefined ? wallMilliseconds() % 2 ** 31 : parseInteger(flags.seed, "--seed", 0);
  const only = flags.case === undefined ? null : parseInteger(flags.case, "--case", 0);
  const most =
    only !== null ? 1 : flags.cases === undefined ? null : parseInteger(flags.cases, "--cases", 1);
  const ns =
    flags.seconds === undefined
      ? most === null
        ? 10e9
        : Infinity
      : parseDuration(`${flags.seconds}s`, "--seconds");
  process.stderr.write(`seed ${seed}\n`);

  const interrupt = catchInterrupt();
  const { signal } = interrupt;
  const begun = performance.now();
  const { tallies, findings } = await fuzz(
    surfaces,
    seed,
    (_surface, cases) =>
      signal.aborted || (most !== null && cases >= most) || (performance.now() - begun) * 1e6 >= ns,
    only ?? 0,
    (finding) => tell(finding, flags.save),
  );
  interrupt.release();
  const elapsed = (performance.now() - begun) * 1e6;
  for (const surface of surfaces) surface.close?.();
  if (flags.json === true) {
    const document = { schema: 1, seed, elapsed_ns: Math.round(elapsed), tallies, findings };
    process.stdout.write(`${printableJson(document)}\n`);
  } else {
    for (const { surface, cases, outcomes } of tallies) {
      const said = Object.entries(outcomes).map(([name, count]) => `${count} ${name}`);
      process.stdout.write(
        `${surface.padEnd(10)} ${`${cases}`.padStart(8)} cases: ${said.join(", ")}\n`,
      );
    }
  }
  if (signal.aborted) return codeOf(signal);
  return findings.length > 0 ? EXIT.failed : EXIT.done;
}

function tell(finding: Finding, folder: string | undefined): void {
  const { surface, seed, message, input } = finding;
  const again = `aoe bench fuzz --only ${surface} --seed ${seed} --case ${finding.case}`;
  process.stderr.write(printableLines(`\nFOUND: ${message}\nagain: ${again}\ninput:\n${input}\n`));
  if (folder === undefined) return;
  const at = join(folder, surface);
  try {
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, `${seed}-${finding.case}.txt`), input);
  } catch (error) {
    // The input stands above.
    say(`Can't keep it in ${at}: ${fileReason(error)}`);
  }
}
