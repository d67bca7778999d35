// docs/nbd.md says what is so: its example runs, its options, limits and errors are the code's.

import { resolve } from "node:path";

import { describe, expect, test } from "bun:test";

import { nbdCommand } from "../../initiator/nbd/command.ts";
import { BUDGET, MOST_DATA } from "../../initiator/nbd/buffers.ts";
import { ERROR_NAMES } from "../../initiator/nbd/protocol.ts";
import { HANDSHAKE_TIME, STOP_TIME } from "../../initiator/nbd/server.ts";
import { MOST_REQUESTS } from "../../initiator/nbd/slot.ts";
import { LONGEST_SOCKET_PATH } from "../../sys/unix_socket.ts";
import { blocksOf, testBlocks } from "./examples.ts";

const page = await Bun.file(resolve(import.meta.dir, "../../docs/nbd.md")).text();

/** Rows of the table under `heading`, the first cell of each without its backquotes. */
function firstCells(heading: string): string[] {
  const table = page.slice(page.indexOf(heading)).split("\n\n")[heading.startsWith("|") ? 0 : 1];
  return (table ?? "")
    .split("\n")
    .slice(2)
    .map((row) => (row.split("|")[1] ?? "").trim().replaceAll("`", ""));
}

describe("docs/nbd.md", () => {
  test("the table of options is the command's", () => {
    const documented = firstCells("| option ").map((cell) => cell.split(" ")[0]);
    const options = nbdCommand().options;
    const own = options.slice(
      0,
      options.findIndex(({ long }) => long === "--interface"),
    );
    expect(documented).toEqual(own.map(({ long }) => long ?? ""));
    for (const option of own) {
      if (option.defaultValue === undefined || option.defaultValue === "") continue;
      const value = String(option.defaultValue);
      expect(page).toMatch(new RegExp(`^\\| \`${option.long} \\w+\` *\\| ${value} *\\|`, "m"));
    }
  });

  test("the table of errors is the code's", () => {
    expect(firstCells("## Errors").sort()).toEqual(Object.values(ERROR_NAMES).sort());
  });

  test("the limits are the code's", () => {
    expect(page).toContain(`at most ${LONGEST_SOCKET_PATH} bytes`);
    expect(page).toContain(`at most ${MOST_DATA / 2 ** 20} MiB of data in a request`);
    expect(page).toContain(`occupy at most ${BUDGET / 2 ** 20} MiB`);
    expect(page).toContain(`may have ${MOST_REQUESTS} requests in progress`);
    expect(page).toContain(`(for at most ${STOP_TIME / 1e9} s)`);
    expect(page).toContain(`takes more than ${HANDSHAKE_TIME / 1e9} s`);
  });

  testBlocks(blocksOf(page), (_block, _directory, said) => {
    expect(said).toContain("Serving e7.3 (64 MiB)");
    expect(said).toContain("67108864");
    expect(said).toContain("err= 0");
    expect(said).toContain("Pass 5");
  });
});
