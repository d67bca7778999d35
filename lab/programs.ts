// Where the programs of the system are. An ordinary user's PATH lacks the sbin folders, where ip, tc,
// vblade, hdparm and mkfs.ext4 live on Debian, so whatever looks for a program looks there too.

import { ownFile } from "../sys/root.ts";

/** The command line of this program. */
export const AOE = ownFile("aoe.ts");

const SBIN = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** PATH with the sbin folders behind it. */
export function searchPath(path = process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"): string {
  // An empty entry would mean the current folder.
  const folders = path.split(":").filter((folder) => folder !== "");
  return [...folders, ...SBIN.filter((folder) => !folders.includes(folder))].join(":");
}

/** The program's path, or null where the system has none of that name. */
export function findProgram(name: string): string | null {
  return Bun.which(name, { PATH: searchPath() });
}
