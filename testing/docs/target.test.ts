// docs/target.md says what is so: its tables are made from the code, its examples run, its unit is one that
// systemd takes.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { blocksOf, testBlocks } from "./examples.ts";
import { probeLab, runInLab } from "../../lab/lab.ts";
import { parseConfig, parseExport } from "../../target/config/read.ts";
import { VERBS } from "../../target/control/verbs.ts";
import { manualTables, PAGE, tableIn, withTable } from "./target_tables.ts";
import { MODEL_EXAMPLES } from "./model_table.ts";

const page = readFileSync(PAGE, "utf8");
const root = join(import.meta.dir, "../..");
const directory = mkdtempSync(join(tmpdir(), "aoe-manual-"));
afterAll(() => rmSync(directory, { recursive: true }));

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(
    ([, body]) => body ?? "",
  );
}

describe("tables", () => {
  const tables = manualTables();
  test.each(Object.keys(tables))(
    "%s: as the code has it (else: bun testing/docs/target_tables.ts)",
    (mark) => {
      expect(tableIn(page, mark)).toBe(tables[mark] ?? "");
    },
  );

  test("every mark in the page has its table", () => {
    const marks = [...page.matchAll(/^<!-- (.*) -->$/gm)]
      .map(([, mark]) => mark)
      .filter((mark) => mark !== "end");
    expect(marks.toSorted()).toEqual(Object.keys(tables).toSorted());
  });

  test("a table is replaced between its marks and nowhere else", () => {
    const before = "a\n<!-- x -->\nold\n<!-- end -->\nb\n<!-- y -->\n<!-- end -->\n";
    const after = withTable(before, "x", "new");
    expect(after).toBe(before.replace("old", "new"));
    expect(tableIn(after, "x")).toBe("new");
    expect(tableIn(withTable(after, "y", "z"), "y")).toBe("z");
    expect(tableIn(after, "none")).toBeNull();
  });
});

describe("examples", () => {
  test.each(blocks("toml").map((text) => [text.split("\n")[0] ?? "", text]))(
    "%s is a configuration",
    (_name, text) => {
      expect(parseConfig(text, "/etc/aoe/lab.toml").exports.length).toBeGreaterThan(0);
    },
  );

  test("requests are requests", () => {
    const requests = blocks("json").flatMap((block) => block.trim().split("\n"));
    expect(requests.length).toBeGreaterThan(2);
    for (const line of requests) {
      const { verb, id: _id, ...keys } = JSON.parse(line) as Record<string, unknown>;
      const known = VERBS.find((each) => each.verb === verb)?.keys ?? [];
      expect([line, known.map((key) => key.replace("?", ""))]).toEqual([line, Object.keys(keys)]);
      if (verb === "export add") parseExport(keys["export"], "export");
    }
  });

  test("every service model and every distribution has one", () => {
    const given = MODEL_EXAMPLES.map(({ model }) => model).join(",");
    const all = [
      "delay",
      "lanes",
      "rate",
      "seek",
      "stall",
      "error",
      "hang",
      "drop",
      "duplicate",
      "reorder",
    ];
    for (const name of all) expect(given).toContain(`${name}:`);
    for (const name of ["uniform", "normal", "lognormal", "exponential", "pareto"]) {
      expect(given).toContain(`delay:${name}/`);
    }
    expect(page).toContain("`delay:trace/FILE`");
  });

  testBlocks(blocksOf(page), (_block, _directory, said) => {
    expect(said).toMatch(/^e7\.3 +64 MiB /m);
  });
});

describe("systemd", () => {
  const unit = readFileSync(join(root, "systemd", "aoe-target@.service"), "utf8");
  const analyze = Bun.which("systemd-analyze");
  const absent = analyze === null ? " (skipped: no systemd-analyze)" : "";

  test.skipIf(absent !== "")(
    `the template unit passes systemd-analyze verify${absent}`,
    () => {
      // The installed command's path, which verify wants to find.
      const file = join(directory, "aoe-target@.service");
      const verify = (text: string) => {
        writeFileSync(file, text);
        const { exitCode, stdout, stderr } = Bun.spawnSync([
          analyze as string,
          "verify",
          join(directory, "aoe-target@lab.service"),
        ]);
        return { exitCode, said: `${stdout}${stderr}` };
      };
      const installed = unit.replace("/usr/local/bin/aoe", process.execPath);
      expect(verify(installed)).toEqual({ exitCode: 0, said: "" });
      // It would find what is wrong.
      expect(verify(installed.replace("Type=notify", "Tpye=notify")).said).toContain("Tpye");
    },
    60_000,
  );

  test("the unit and the page agree on places and capability", () => {
    expect(unit).toContain("--config /etc/aoe/%i.toml");
    for (const place of ["/run/aoe-lab", "/var/lib/aoe-lab", "/etc/aoe/lab.toml"])
      expect(page).toContain(place);
    for (const line of [
      "RuntimeDirectory=aoe-%i",
      "StateDirectory=aoe-%i",
      "AmbientCapabilities=CAP_NET_RAW",
      "Type=notify",
    ]) {
      expect(unit).toContain(`${line}\n`);
    }
  });

  test.skipIf(!probeLab().available)(
    "it is told READY, RELOADING, WATCHDOG and STOPPING (skipped where no lab can be made)",
    async () => {
      const config = join(directory, "notify.toml");
      const control = join(directory, "notify.control");
      const socket = join(directory, "notify.sock");
      writeFileSync(
        config,
        `interfaces = ["b0"]\ncontrol = "${control}"\n[[export]]\naddress = "e7.3"\nmemory = "64k"\n`,
      );
      const listener = `
      import socket, sys, time
      s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("${socket}"); s.settimeout(8)
      print("bound", flush=True)
      while True:
          text = s.recv(4096).decode(); print(text.replace("\\n", " "), flush=True)
          if text == "STOPPING=1": break`;
      const script = `
      python3 -c '${listener.replaceAll(/^ {6}/gm, "").trim()}' > ${directory}/told & listener=$!
      for i in $(seq 1500); do [ -S ${socket} ] && break; sleep 0.02; done
      NOTIFY_SOCKET=${socket} WATCHDOG_USEC=200000 ${process.execPath} ${join(root, "aoe.ts")} target --config ${config} 2>${directory}/notify.log & target=$!
      for i in $(seq 1500); do grep -q READY ${directory}/told && break; sleep 0.02; done
      for i in $(seq 1500); do [ $(grep -c DOG ${directory}/told) -ge 3 ] && break; sleep 0.02; done
      kill -HUP $target
      for i in $(seq 1500); do grep -q RELOADING ${directory}/told && break; sleep 0.02; done
      kill -TERM $target; wait $target; echo "ended $?"; wait $listener; cat ${directory}/told`;
      if (Bun.which("python3") === null)
        return console.log("skipped: no python3 to listen for systemd");
      const run = await runInLab(["sh", "-c", script]);
      expect(run.stdout).toContain("ended 0");
      const told = run.stdout.split("\n");
      const lines = told.slice(told.indexOf("bound") + 1);
      expect(lines[0]).toBe("READY=1");
      expect(lines.filter((line) => line === "WATCHDOG=1").length).toBeGreaterThanOrEqual(3);
      const reloading = lines.findIndex((line) => /^RELOADING=1 MONOTONIC_USEC=\d+$/.test(line));
      expect(reloading).toBeGreaterThan(0);
      expect(lines.slice(reloading)).toContain("READY=1");
      expect(lines.filter((line) => line !== "").at(-1)).toBe("STOPPING=1");
    },
    60_000,
  );
});
