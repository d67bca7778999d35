// docs/hosts.md says what is so: its table is made from the code, and its job is a job.

import { readFileSync } from "node:fs";
import { expect, test } from "bun:test";
import { cellsOf, parseJob } from "../../bench/job/job.ts";
import { HOSTS_PAGE, hostTables } from "./bench_tables.ts";
import { tableIn } from "./target_tables.ts";

const page = readFileSync(HOSTS_PAGE, "utf8");

test("its table is as the code has it (else: bun testing/docs/bench_tables.ts)", () => {
  expect(tableIn(page, "host keys")).toBe(hostTables()["host keys"] ?? "");
});

test("its job is a job over two hosts", () => {
  const [, text = ""] = /```toml\n(.*?)```/s.exec(page) ?? [];
  const job = parseJob(text, "two.toml");
  expect(job.hosts.map(({ ssh }) => ssh)).toEqual(["lab-target", "lab-initiator"]);
  expect(job.jobs.flatMap(cellsOf)).toHaveLength(2);
});
