// The tables of docs/pool.md: the same pins for each strategy, exact, under the virtual clock.
//
//   bun testing/docs/pool_table.ts     prints them, to update the page
//
// A test holds the page to them.

import { MS, US } from "../../words/quantity.ts";
import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import { closedLoop } from "../doubles/closed_loop.ts";

const WINDOW = 16;
const RUNTIME = 200 * MS;
const FAST = 5 * US;
const SLOW = 100 * US;

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

/** {fast, slow} target × {eager, coalesce} × strategy. */
export function strategyTable(): string {
  const rows: (string | number)[][] = [];
  for (const [target, service] of [
    ["fast", FAST],
    ["slow", SLOW],
  ] as const) {
    for (const reclaim of ["eager", "coalesce:64/1ms"]) {
      for (const strategy of STRATEGIES) {
        const { rate, pool } = closedLoop({
          strategy,
          window: WINDOW,
          service,
          reclaim,
          runtime: RUNTIME,
        });
        const counts = [pool.allocations, pool.pool_touches, pool.dry, pool.kicks];
        rows.push([target, reclaim, strategy, Math.round(rate), ...counts]);
      }
    }
  }
  return table(
    [
      ...["target", "reclaim", "strategy", "per second"],
      ...["allocations", "touches", "dry", "kicks"],
    ],
    rows,
  );
}

/** Commands a second against the cap: a fast target under coalesce:64/1ms, 16 preallocated. */
export function capTable(): string {
  const strategies = ["scan-swap", "lifo-swap", "completion"] as const;
  const rows = [0, 1, 8, 16, 32, 40, 47, 48, 49, 64, 256].map((cap) => [
    cap,
    ...strategies.map((strategy) => {
      const reclaim = "coalesce:64/1ms";
      const conditions = { strategy, cap, window: WINDOW, service: FAST, reclaim };
      return Math.round(closedLoop({ ...conditions, runtime: RUNTIME }).rate);
    }),
  ]);
  return table(["cap", ...strategies], rows);
}

if (import.meta.main) console.log(`${strategyTable()}\n\n${capTable()}`);
