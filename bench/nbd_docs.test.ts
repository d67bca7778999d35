// docs/nbd.md says what is so: its example runs, its options, limits and errors are the code's.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { describe, expect, test } from "bun:test";

import { nbdCommand } from "../initiator/commands/nbd.ts";
import { BUDGET, MOST_DATA } from "../initiator/nbd/buffers.ts";
import { ERROR_NAMES } from "../initiator/nbd/protocol.ts";
import { HANDSHAKE_TIME, STOP_TIME } from "../initiator/nbd/server.ts";
import { MOST_REQUESTS } from "../initiator/nbd/slot.ts";
import { LONGEST_SOCKET_PATH } from "../sys/unix_socket.ts";
import { insideLabTests, testsInLab } from "./lab/in_lab.ts";
import { findProgram, searchPath } from "./lab/programs.ts";

const page = await Bun.file(resolve(import.meta.dir, "../docs/nbd.md")).text();
const AOE = resolve(import.meta.dir, "../aoe.ts");

/** Rows of the table under `heading`, the first cell of each without its backquotes. */
function firstCells(heading: string): string[] {
  const table = page.slice(page.indexOf(heading)).split("\n\n")[heading.startsWith("|") ? 0 : 1];
  return (table ?? "")
    .split("\n")
    .slice(2)
    .map((row) => (row.split("|")[1] ?? "").trim().replaceAll("`", ""));
}

if (!insideLabTests) {
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
      expect(page).toContain(`may have ${MOST_REQUESTS} requests in hand`);
      expect(page).toContain(`(for at most ${STOP_TIME / 1e9} s)`);
      expect(page).toContain(`takes more than ${HANDSHAKE_TIME / 1e9} s`);
    });
  });
}

testsInLab(import.meta.path, { timeoutMs: 60_000 }, () => {
  const programs = ["qemu-img", "nbdcopy", "nbdinfo", "fio", "mkfs.ext4", "fsck.ext4"];
  const absent = programs.filter((program) => findProgram(program) === null);
  const example = /<!-- run -->\n+```sh\n([\s\S]*?)```/.exec(page)?.[1] ?? "exit 9";
  if (absent.length > 0) test.skip(`the example: ${absent.join(", ")} absent`, () => {});
  else {
    test("the example runs, from its first line to its last", async () => {
      const folder = mkdtempSync(join(tmpdir(), "aoe-nbd-"));
      try {
        // `npx aoe` is this very program.
        const npx = `npx() { shift; exec ${process.execPath} ${AOE} "$@"; }\n`;
        const child = Bun.spawn(["bash", "-e", "-c", npx + example], {
          cwd: folder,
          env: { ...process.env, PATH: searchPath() },
          stdin: "ignore",
          stdout: "pipe",
          stderr: "pipe",
        });
        const [out, err] = await Promise.all([
          new Response(child.stdout).text(),
          new Response(child.stderr).text(),
        ]);
        expect([await child.exited, err.includes("Serving e7.3 (64m)") ? "" : err]).toEqual([
          0,
          "",
        ]);
        expect(out).toContain("67108864");
        expect(out).toContain("err= 0");
        expect(out + err).toContain("Pass 5");
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }, 60_000);
  }
});
