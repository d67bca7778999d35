// What a job over hosts will start on each, without asking any: for --show. What only the host
// knows stands in capitals.

import type { Host } from "../job/hosts.ts";
import { cellsOf } from "../job/job.ts";
import type { Cell, Job } from "../job/resolved.ts";
import { shellLine } from "../../lab/shell.ts";
import { printableLines } from "../../words/printable.ts";
import { loadWords, nullTargetWords, targetAddress, targetWords } from "./trial_lines.ts";

/** Comments of a job file; "": it has no hosts. */
export function showHostLines(job: Job): string {
  const cells = job.jobs.flatMap(cellsOf).filter(({ values }) => values.targetHosts !== undefined);
  const blocks = cells.map((cell) => {
    const axes = Object.entries(cell.axes).map(([key, label]) => `${key}=${label}`);
    const lines = linesOf(cell, job.hosts).map((line) => `#   ${line}`);
    return [`# ${[cell.job, ...axes].join(" ")}`, ...lines].join("\n");
  });
  return blocks.length === 0 ? "" : printableLines(`\n${blocks.join("\n")}\n`);
}

function linesOf(cell: Cell, hosts: readonly Host[]): string[] {
  const { targetHosts = [], initiatorHosts = [], store } = cell.values;
  const cpusOf = (host: Host): string => host.cpus?.join(",") ?? "LAST";
  const find = (name: string): Host[] => hosts.filter((host) => host.name === name);
  const targets = targetHosts.flatMap(find).map((host, index) => {
    const at = { interfaces: host.interface ?? "", cpus: cpusOf(host) };
    const place = { ...at, index, image: "IMAGE", figures: "FIGURES" };
    const words =
      store === "null"
        ? nullTargetWords(["bun", "null_target.ts"], cell, at)
        : targetWords(["aoe"], cell, place);
    return `${host.name}: ${plain(words)}`;
  });
  const loads = initiatorHosts.flatMap(find).map((host, index) => {
    const address = targetAddress(index, targetHosts.length);
    const place = { address, interface: host.interface ?? "" };
    return `${host.name}: ${plain([...loadWords(["aoe"], cell, place, cpusOf(host)), "--gate"])}`;
  });
  return [...targets, ...loads];
}

/** As a person types it: quotes only where a shell needs them. */
function plain(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : shellLine([word]))).join(" ");
}
