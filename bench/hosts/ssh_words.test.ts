import { expect, test } from "bun:test";
import { isCrowded, sshWords, unreachable, wantsPerson } from "./ssh_words.ts";

const host = { name: "ini", ssh: "lab-initiator" };

// As OpenSSH 9.2 says it.
test.each([
  ["ssh: connect to host 10.7.0.9 port 22: Connection timed out", "it does not answer (lab-init"],
  ["ssh: connect to host 10.7.0.9 port 22: No route to host", "it does not answer (lab-init"],
  ["ssh: connect to host 10.7.0.9 port 22: Connection refused", "it is there, but no sshd listens"],
  ["ssh: Could not resolve hostname nope: Name or service not known", "no such name, neither"],
  ["lab@10.7.0.12: Permission denied (publickey).", "it refuses the key. `ssh lab-initiator true`"],
  [
    "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
    "its host key is not that in known_hosts. Installed anew? `ssh-keygen -R lab-initiator`",
  ],
  [
    "No ED25519 host key is known for x.\nHost key verification failed.",
    "its host key is not known yet. Look",
  ],
  ["something new\nin two lines", "ssh ended with code 255: in two lines"],
])("%p is told in words", (said, sentence) => {
  const failure = unreachable(host, said, 255);
  expect(failure.message).toStartWith(`ini: ${sentence}`);
  expect(failure.exitCode).toBe(5);
});

test("what another try or a person may help against", () => {
  expect(isCrowded("kex_exchange_identification: Connection closed by remote host")).toBe(true);
  expect(isCrowded("Connection refused")).toBe(false);
  expect(wantsPerson("lab@h: Permission denied (publickey).")).toBe(true);
});

test("ssh is told nothing of users, ports or keys, and asks only where it may", () => {
  const words = sshWords(host, "exec sh", false);
  expect(words.slice(-2)).toEqual(["lab-initiator", "exec sh"]);
  expect(words).toContain("BatchMode=yes");
  expect(sshWords(host, "exec sh", true)).toContain("BatchMode=no");
});
