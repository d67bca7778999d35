// Who is whose child, from /proc, without the children file that some kernels lack.

import { readdirSync, readFileSync } from "node:fs";

interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  /** R, S, D, T, Z (a zombie), X. */
  readonly state: string;
  readonly parent: number;
  /** Clock ticks since boot. */
  readonly startedAt: number;
  readonly group: number;
  /** The foreground process group of its terminal; -1 without one. */
  readonly terminalGroup: number;
}

/** /proc/PID/stat (proc(5)); null when the process is gone. */
export function readStat(pid: number | "self"): ProcessStat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return null;
  }
  // The second field is the name in parentheses and may hold anything, so count from the last ")".
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid: Number.parseInt(text, 10),
    name: text.slice(text.indexOf("(") + 1, text.lastIndexOf(")")),
    state: fields[0] ?? "",
    parent: field(4),
    group: field(5),
    terminalGroup: field(8),
    startedAt: field(22),
  };
}

/** Children of `pid`, oldest first. */
export function childrenOf(pid: number): number[] {
  const children: ProcessStat[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (stat !== null && stat.parent === pid) children.push(stat);
  }
  children.sort((a, b) => a.startedAt - b.startedAt || a.pid - b.pid);
  return children.map((stat) => stat.pid);
}
