// A target that is killed with SIGKILL and started again, several times, in the middle of a verified write load:
// the initiator goes on, and every sector reads as it was acknowledged.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createRandom } from "../../words/random.ts";
import { probeLab, runInLab } from "../../lab/lab.ts";

const AOE = join(import.meta.dir, "../../aoe.ts");
const directory = mkdtempSync(join(tmpdir(), "aoe-crash-"));
afterAll(() => rmSync(directory, { recursive: true }));

const probe = probeLab();
const why = probe.available ? "" : ` (skipped: ${probe.reason})`;
const kills = Number(process.env["AOE_KILLS"] ?? 2);
const seed = Number(process.env["AOE_SEED"] ?? 3);

test.skipIf(why !== "").each([
  ["", "io_uring or what there is"],
  ["--sync --blocking worker", "durable writes by Workers"],
])(
  `${kills} kills in a verified write load, target %s: the initiator goes on, the data verify${why}`,
  async (options) => {
    console.log(`seed ${seed}`);
    const random = createRandom(seed);
    const place = mkdtempSync(join(directory, "run-"));
    const image = join(place, "disk.img");
    writeFileSync(image, new Uint8Array(4 << 20));
    const log = join(place, "target.log");
    const pauses = Array.from({ length: kills }, () => (0.2 + random.float() * 0.5).toFixed(3));
    const bun = process.execPath;
    const ended = await runInLab([
      "sh",
      "-c",
      `serve() { ${bun} ${AOE} target ${options} 7 3 $AOE_LAB_B ${image} 2>> ${log} & target=$!; }
       serve
       ${bun} ${AOE} bench load e7.3 --interface $AOE_LAB_A --rw randrw --rwmixread 40 --bs 4k --iodepth 8 \\
         --size 4m --verify crc32c --ramp-time 100ms --runtime ${1 + kills}s --json > ${place}/load.json & load=$!
       for pause in ${pauses.join(" ")}; do
         sleep $pause; kill -KILL $target; wait $target; echo killed; sleep 0.1; serve; sleep 0.4
       done
       wait $load; echo "load ended with $?"
       kill -TERM $target; wait $target; echo "target ended with $?"`,
    ]);
    const said = `${ended.stdout}${ended.stderr}${readFileSync(log, "utf8")}`;
    expect([said, ended.stdout.split("killed").length - 1]).toEqual([said, kills]);
    expect(said).toContain("load ended with 0");
    expect(said).toContain("target ended with 0");
    const document = JSON.parse(readFileSync(join(place, "load.json"), "utf8"));
    const [{ aoe }] = document.jobs;
    expect(aoe.verify).toMatchObject({ mismatches: 0 });
    expect(aoe.verify.sectors_verified).toBeGreaterThan(500);
    expect(aoe.verify.blocks_written).toBeGreaterThan(100);
    // It was away: something had to be sent again.
    expect(aoe.retransmits ?? aoe.device.counters.retransmits).toBeGreaterThan(0);
  },
  60_000,
);
