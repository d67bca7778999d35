// Starts a lab of hosts (host_lab.sh) and a shell script in it, for tests of what goes over ssh.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { probeLab } from "../../lab/lab.ts";
import { AOE, findProgram, searchPath } from "../../lab/programs.ts";
import { makeScratch } from "../../bench/machine/scratch.ts";
import { ownFile } from "../../sys/root.ts";

export interface HostLabRun {
  /** 137 when the time was up. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why no lab of hosts can be made here: one sentence; null: it can. */
export function hostLabLacks(): string | null {
  const programs = ["sshd", "ssh", "ssh-keygen", "nsenter"];
  const absent = programs.find((name) => findProgram(name) === null);
  if (absent !== undefined) return `no lab of hosts: ${absent} is not installed`;
  const lab = probeLab();
  return lab.available ? null : lab.reason;
}

/**
 * Runs a script in a lab of those hosts. In it `aoe` is this program, `ssh HOST` works, and `$W` is
 * a folder that goes with the lab: `$W/HOST.home` and `$W/HOST.tmp` are a host's,
 * `$W/hosts.pids` has the first process of each.
 */
export async function inHostLab(
  hosts: string,
  script: string,
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<HostLabRun> {
  const { folder, remove } = makeScratch("hosts");
  try {
    for (const [name, text] of Object.entries(files)) await Bun.write(join(folder, name), text);
    const aoe = `aoe() { '${process.execPath}' '${AOE}' "$@"; }; cd "$W"; ${script}`;
    const words = ["sh", ownFile("testing/doubles/host_lab.sh"), folder, hosts, "sh", "-c", aoe];
    const child = Bun.spawn(words, {
      env: {
        ...process.env,
        ...env,
        PATH: searchPath(),
        SSHD: findProgram("sshd") ?? "",
        W: folder,
        BUN: process.execPath,
        AOE,
      },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    // setpriv has put it into our fate; unshare ends with it, and with unshare all hosts.
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT);
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    await child.exited;
    clearTimeout(timer);
    return { code: child.exitCode ?? 137, stdout, stderr };
  } finally {
    if (existsSync(folder)) remove();
  }
}
/** ms; against a lab that hangs. */
const LIMIT = 170_000;

/** A job over hosts that have this Bun already: only the sources go there. */
export function hostJob(hosts: string, keys: string): string {
  return `
[hosts]
interface = "eth1"
bun = "${process.execPath}"
${hosts}
[global]
floor = "off"
runtime = "300ms"
ramp_time = "100ms"
warm_up = "100ms"
iodepth = 4
image_size = "1m"
${keys}
`;
}
