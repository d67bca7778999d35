// The jobs over hosts that docs/hosts.md and fixtures have, as they stand, over a lab of hosts.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { hostLabLacks, inHostLab } from "../../testing/doubles/host_lab.ts";
import { ownFile } from "../../sys/root.ts";

const lacks = hostLabLacks();
const lab = lacks === null ? test : test.skip;
const LIMIT = 200_000;

const [, TWO = ""] =
  /```toml\n(.*?)```/s.exec(readFileSync(ownFile("docs/hosts.md"), "utf8")) ?? [];
const job = (name: string): string =>
  readFileSync(ownFile(`fixtures/jobs/hosts_${name}.toml`), "utf8");

/** In place of the interfaces and permissions of a real lab. */
const here = (hosts: string): string =>
  `[hosts]\ninterface = "eth1"\nbun = "${process.execPath}"\n[hosts."${hosts}"]\n`;

const SHORT =
  "--set runtime=200ms --set ramp_time=50ms --set warm_up=50ms --set trials=1 --set floor=off";

/** A driver whose coalescing can be set. */
const ETHTOOL = '#!/bin/sh\ncase "$1" in -c) echo "tx-usecs: 72";; esac\n';
const READY = "chmod 755 ethtool; mkdir tools; mv ethtool tools;";

describe(`jobs over hosts${lacks === null ? "" : ` (skipped: ${lacks})`}`, () => {
  lab(
    "the page's two machines",
    async () => {
      const run = await inHostLab(
        "tgt ini",
        `sed -i 's/^Host tgt/& lab-target/; s/^Host ini/& lab-initiator/' ssh_config
         aoe bench hosts two.toml && aoe bench run two.toml ${SHORT}`,
        { "two.toml": TWO.replace("[hosts]", `[hosts]\nbun = "${process.execPath}"`) },
      );
      expect([run.code, run.stderr]).toEqual([0, expect.stringContaining("2 hosts: ini")]);
      expect(run.stdout).toContain("threshold failures<=0: kept, 0 (16)");
    },
    LIMIT,
  );

  lab(
    "a driver that releases late, and two kernels",
    async () => {
      const run = await inHostLab(
        "tgt ini ini-a ini-b",
        `${READY}
         aoe bench run release.toml --hosts lab.toml ${SHORT} --set link=packet \
           --set tx_frames=5 --set pool=scan-swap --set pool_cap=8 --ndjson |
           tail -n 1 | cut -c 1-40
         aoe bench run kernels.toml --hosts lab.toml ${SHORT} --set pool=fixed`,
        {
          "release.toml": job("release"),
          "kernels.toml": job("kernels"),
          "lab.toml": here("tgt,ini,ini-[ab]"),
          ethtool: ETHTOOL,
        },
        { LAB_PATH: "tools" },
      );
      expect([run.code, run.stderr]).toEqual([0, expect.stringContaining("tx_usecs") as string]);
      expect(run.stdout).toContain('{"event":"end","result":{"schema_version');
      expect(run.stdout).toMatch(/ini-a\nall +[\d,]+ .*\n.*ini-b\nall +[\d,]+ /);
    },
    LIMIT,
  );

  lab(
    "growth: more loads than targets",
    async () => {
      const run = await inHostLab(
        "t1 t2 i1 i2 i3",
        `aoe bench run growth.toml --hosts lab.toml ${SHORT} --set image_size=1m --json \
           --set 'target_hosts=t1|t[1-2]' --set 'initiator_hosts=i1|i[1-3]'`,
        { "growth.toml": job("growth"), "lab.toml": here("t[1-2],i[1-3]") },
      );
      // `bearable` has thresholds that a busy machine may miss.
      expect([0, 3]).toContain(run.code);
      const result = JSON.parse(run.stdout);
      expect(result.cells).toHaveLength(12);
      for (const { trials } of result.cells) expect(trials[0].failure).toBeNull();
    },
    LIMIT,
  );
});
