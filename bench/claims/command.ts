// `aoe bench reproduce`: its options. What it does is loaded when it is named.

import { Command } from "commander";

export function reproduceCommand(): Command {
  return new Command("reproduce")
    .description("measure the claims E1 to E8 about the pool: holds, does not hold, inconclusive")
    .option("--quick", "fewer values and shorter trials: under five minutes")
    .option("--only <ids>", "some of them: E1,E5")
    .option("--json", "claims, figures and results on stdout")
    .option("-o, --output <file>", "write them to a file")
    .addHelpText(
      "after",
      `
Each claim is judged by exact figures (virtual clock) and by this machine's figures (raw sockets).
A claim that does not hold is a finding: the exit code is 0.

Example:
  aoe bench reproduce --quick -o claims.json`,
    )
    .action(async (flags: Record<string, unknown>) => {
      const { reproduceAction } = await import("./reproduce_action.ts");
      process.exitCode = await reproduceAction(flags);
    });
}
