// Every service model over raw sockets: what each does to reads, as far as a busy machine lets it be told. What they
// promise is measured by `aoe bench run fixtures/jobs/service.toml`.

import { expect, test } from "bun:test";
import { Asker, awaitExport } from "../../bench/machine/asker.ts";
import { makeScratch } from "../../bench/machine/scratch.ts";
import { now } from "../../sys/clock.ts";
import { testsInLab } from "../../testing/suites/in_lab.ts";
import { startAoe } from "../../testing/suites/nbd_fixture.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { MS, S, US } from "../../words/quantity.ts";

/** The least time that a read takes, ns, and which reads are answered. */
const MODELS: readonly { text: string; least: number; answered: "all" | "most" }[] = [
  { text: "", least: 0, answered: "all" },
  { text: "delay:50us", least: 50 * US, answered: "all" },
  { text: "delay:1ms", least: MS, answered: "all" },
  { text: "delay:uniform/50us/150us", least: 50 * US, answered: "all" },
  { text: "delay:normal/200us/20us", least: 100 * US, answered: "all" },
  { text: "delay:lognormal/100us/50us", least: 10 * US, answered: "all" },
  { text: "delay:exponential/100us", least: 0, answered: "all" },
  { text: "delay:pareto/100us/3", least: 100 * US, answered: "all" },
  { text: "lanes:1,delay:100us", least: 100 * US, answered: "all" },
  { text: "rate:2000iops", least: 0, answered: "all" },
  { text: "rate:4m/1k", least: 0, answered: "all" },
  { text: "seek:15000/100us/1ms", least: 0, answered: "all" },
  { text: "stall:20ms/2ms", least: 0, answered: "all" },
  { text: "error:unc/50%", least: 0, answered: "all" },
  { text: "hang:20%", least: 0, answered: "most" },
  { text: "drop:20%", least: 0, answered: "most" },
  { text: "duplicate:50%", least: 0, answered: "all" },
  { text: "reorder:50%/500us", least: 0, answered: "all" },
];
const MAJOR = 9;
const READS = 40;
/** How long an answer is waited for, ns; shorter where a model may have swallowed it. */
const PATIENCE = { all: S, most: 60 * MS } as const;

testsInLab(import.meta.path, { mtu: 1500 }, () => {
  test("each service model does what it says to reads", async () => {
    const { folder, remove } = makeScratch("service");
    const exports = MODELS.map(
      ({ text }, minor) =>
        `[[export]]\naddress = "e${MAJOR}.${minor}"\nmemory = "1m"\nservice = "${text}"\n`,
    );
    const file = `${folder}/lab.toml`;
    await Bun.write(file, `interfaces = ["b0"]\n${exports.join("")}`);
    const asker = new Asker("a0");
    const target = startAoe(["target", "--config", file]);
    try {
      const { mac } = awaitExport(asker, MAJOR, MODELS.length - 1);
      asker.drain(50 * MS);
      for (const [minor, { text, least, answered }] of MODELS.entries()) {
        const times: number[] = [];
        let [errors, copies] = [0, 0];
        for (let index = 0; index < READS; index++) {
          const at = now();
          const tag = asker.sendRead(mac, MAJOR, minor, 0);
          const next = (): DataView | null => asker.take(PATIENCE[answered]);
          for (let view = next(); view !== null; view = next()) {
            if (aoe.tag(view, 0) !== tag) {
              copies++;
              continue;
            }
            if ((ata.command(view, 0) & ata.STATUS_ERR) !== 0) errors++;
            times.push(now() - at);
            break;
          }
        }
        while (asker.take(2 * MS) !== null) copies++;
        // Never before its time; by how much later depends on the machine as well.
        expect([text, Math.min(...times) >= least]).toEqual([text, true]);
        const lost = READS - times.length;
        if (answered === "all") expect([text, lost]).toEqual([text, 0]);
        else expect([text, lost > 0 && lost < READS / 2]).toEqual([text, true]);
        if (text.startsWith("error")) expect(errors).toBeWithin(READS / 5, READS);
        if (text.startsWith("duplicate")) expect(copies).toBeWithin(READS / 5, READS);
      }
    } finally {
      asker.close();
      await target.end();
      remove();
    }
  });
});
