// `aoe target ctl`: words of a shell become one request to the control socket, and the answer a line of
// JSON on stdout, or a sentence on stderr and an exit code.

import { resolve } from "node:path";

import { failed, usage } from "../../words/failure.ts";
import { connectControl } from "./client.ts";
import { VERBS } from "./verbs.ts";
import { printableJson } from "../../words/printable.ts";

export async function ctl(socket: string | undefined, words: readonly string[]): Promise<void> {
  const request = requestOf(words);
  const client = await connectControl(socket);
  try {
    const { ok, error, ...told } = await client.ask(request);
    if (ok !== true) throw failed(String(error));
    process.stdout.write(`${printableJson(told)}\n`);
  } finally {
    client.close();
  }
}

/** Throws the usage failure for words that are no request. */
export function requestOf(words: readonly string[]): Record<string, unknown> {
  const [first = "", second = ""] = words;
  const two = VERBS.find(({ verb }) => verb === `${first} ${second}`);
  const found = two ?? VERBS.find(({ verb }) => verb === first);
  if (found === undefined) {
    throw usage(
      `Expected \`ctl\` to be followed by one of ${VERBS.map(({ verb }) => verb).join(", ")}, got \`${words.join(" ")}\``,
    );
  }
  const rest = words.slice(two === undefined ? 1 : 2);
  if (found.verb === "export add") return { verb: found.verb, export: tableOf(rest) };
  const least = found.keys.filter((key) => !key.endsWith("?")).length;
  if (rest.length < least || rest.length > found.keys.length) {
    throw usage(`Expected \`ctl\` to be \`${found.words}\`, got \`${words.join(" ")}\``);
  }
  const given = rest.map((word, index) => [found.keys[index]?.replace("?", ""), word] as const);
  return { verb: found.verb, ...Object.fromEntries(given) };
}

/** `address=e7.5 memory=64m read_only=true`; paths begin where the caller stands. */
function tableOf(words: readonly string[]): Record<string, unknown> {
  const table: Record<string, unknown> = {};
  for (const word of words) {
    const at = word.indexOf("=");
    if (at < 1) throw usage(`Expected \`export add\` to be followed by KEY=VALUE, got \`${word}\``);
    const key = word.slice(0, at);
    const value = word.slice(at + 1);
    if (key === "file" || key === "device") table[key] = resolve(value);
    else table[key] = value === "true" || value === "false" ? value === "true" : value;
  }
  return table;
}
