// What is said to ssh, and what it says where a host can't be reached: its exit code is 255 for
// all of it, so that the reason is in its words, which differ by version. They are matched
// loosely, and shown where nothing matches.

import { environment, type Failure } from "../../words/failure.ts";
import type { Host } from "../job/hosts.ts";

/** s until a host that does not answer is given up. */
const CONNECT_TIMEOUT = 10;

/** The words of its command. `asks`: ssh may ask at the terminal. */
export function sshWords(host: Pick<Host, "ssh">, command: string, asks: boolean): string[] {
  const options = {
    BatchMode: asks ? "no" : "yes",
    ConnectTimeout: `${CONNECT_TIMEOUT}`,
    // Debian's BatchMode would make the interval 300.
    ServerAliveInterval: "2",
    ServerAliveCountMax: "3",
  };
  const words = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return ["ssh", "-T", ...words, host.ssh, command];
}

const BETWEEN = "Else somebody stands in between: nothing was sent";
const AGENT = "is an agent running (ssh-add -l)?";

type Reason = (host: Pick<Host, "ssh">) => string;

const REASONS: readonly (readonly [RegExp, Reason])[] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED|host key .*(has changed|mismatch)/i,
    ({ ssh }) =>
      `its host key is not that in known_hosts. Installed anew? \`ssh-keygen -R ${ssh}\`. ${BETWEEN}`,
  ],
  [
    /host key verification failed|host key is known/i,
    ({ ssh }) => `its host key is not known yet. Look at it once by hand: \`ssh ${ssh}\``,
  ],
  [
    /permission denied|too many authentication failures/i,
    ({ ssh }) => `it refuses the key. \`ssh ${ssh} true\` must work without a question; ${AGENT}`,
  ],
  [
    /could not resolve|name or service not known|no such host/i,
    () => "no such name, neither in ssh's configuration nor in DNS",
  ],
  [/connection refused/i, () => "it is there, but no sshd listens"],
  [
    /timed out|no route to host|network is unreachable|host is down/i,
    ({ ssh }) => `it does not answer (${ssh}, ${CONNECT_TIMEOUT} s). Down, or another network?`,
  ],
];

/** Worth another try: a jump host takes so many logins at a time (MaxStartups). */
export function isCrowded(said: string): boolean {
  return /connection (closed|reset) by|kex_exchange_identification|not allowed at this time/i.test(
    said,
  );
}

/** A person at the terminal could help: a passphrase, a password, a touch. */
export function wantsPerson(said: string): boolean {
  return /permission denied/i.test(said);
}

/** Why a host can't be reached: one sentence that names it. */
export function unreachable(host: Pick<Host, "name" | "ssh">, said: string, code: number): Failure {
  const known = REASONS.find(([pattern]) => pattern.test(said));
  const last = said.trim().split("\n").at(-1)?.trim() ?? "";
  const reason = known?.[1](host) ?? `ssh ended with code ${code}${last === "" ? "" : `: ${last}`}`;
  return environment(`${host.name}: ${reason}`);
}
