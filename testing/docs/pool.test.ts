// docs/pool.md says what is so: its tables are the simulator's, its names are the code's.

import { expect, test } from "bun:test";
import { createPool, STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import { HandLink } from "../../link/hand.ts";
import { POOL_OPTIONS } from "../../initiator/pool/options.ts";
import { capTable, strategyTable } from "./pool_table.ts";

/** Tables without what the formatter pads them with, and without the rules under their heads. */
function plain(text: string): string {
  return text
    .replaceAll(/^\|.*$/gm, (row) => row.replaceAll(/ *\| */g, " | ").trim())
    .replaceAll(/^[|\-: ]+\n/gm, "")
    .trim();
}

const page = plain(await Bun.file(`${import.meta.dir}/../../docs/pool.md`).text());

function between(mark: string): string {
  const [, after = ""] = page.split(`<!-- ${mark} -->\n`);
  return plain(after.split("<!-- end -->")[0] ?? "");
}

test("the table of strategies is what they do", () => {
  expect(between("strategies")).toBe(plain(strategyTable()));
}, 60_000);

test("the table of caps is what they give", () => {
  expect(between("caps")).toBe(plain(capTable()));
}, 60_000);

test("every strategy has a section", () => {
  for (const strategy of STRATEGIES) expect(page).toContain(`### \`${strategy}\``);
});

test("the defaults are the code's", () => {
  expect(page).toContain(`| \`--pool NAME\` | \`${POOL_OPTIONS.pool.default}\` |`);
  expect(page).toContain(`| \`--pool-prealloc N\` | ${POOL_OPTIONS.pool_prealloc.default} |`);
  expect(page).toContain(`| \`--pool-cap N\` | ${POOL_OPTIONS.pool_cap.default} |`);
  expect(page).toContain(`| \`--kick D\` | ${POOL_OPTIONS.kick.default} |`);
});

test("every key of a snapshot stands in its table, and no other", () => {
  const settings = { frameBytes: 64, preallocated: 1, cap: 1 };
  const pool = createPool({ ...settings, strategy: "fixed", link: new HandLink() });
  const rows = page.slice(page.indexOf("## Figures in a result")).split("\n");
  const named = rows
    .filter((row) => row.startsWith("| `"))
    .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map((match) => match[1]));
  expect(named.toSorted()).toEqual(Object.keys(pool.snapshot(0)).toSorted());
});
