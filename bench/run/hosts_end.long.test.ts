// How runs over hosts end, whatever dies: nothing is left on any host, settings are what they were,
// and what was measured is kept. In a lab of hosts on this machine, with a real sshd in each.

import { describe, expect, test } from "bun:test";
import { hostJob, hostLabLacks, inHostLab } from "../../testing/doubles/host_lab.ts";

const lacks = hostLabLacks();
const lab = lacks === null ? test : test.skip;
const LIMIT = 200_000;

const LONG = hostJob(
  '[hosts.b]\n[hosts."a[1-2]"]',
  'target_hosts = "b"\n[one]\ninitiator_hosts = "a[1-2]"\nruntime = "30s"',
);

/** begin JOB: a run in the background, until its loads have begun. left: what is there of it. */
const WORDS = `
  begin() {
    "$BUN" "$AOE" bench run "$1" -o out.json 2>said & run=$!
    t=0; until [ "$(pgrep -fc '[b]ench load.*--gate')" -ge 2 ] || [ $t -gt 300 ]; do
      sleep 0.1; t=$((t + 1)); done
    sleep 1.5
  }
  left() { pgrep -fc '[b]ench load.*--gate|[b]ench host|[a]oe.ts target 7'; }
  gone() { t=0; until [ "$(left)" = 0 ] || [ $t -gt "$1" ]; do sleep 0.1; t=$((t + 1)); done
    echo "$2: $(left) left, files:" $(ls -d $W/*.tmp/aoe-host-* 2>/dev/null); }
`;

describe(`hosts at their end${lacks === null ? "" : ` (skipped: ${lacks})`}`, () => {
  lab(
    "Ctrl-C, a second run, a killed target, a killed controller",
    async () => {
      const run = await inHostLab(
        "b a1 a2",
        `${WORDS}
         begin long.toml
         aoe bench run long.toml 2>second; echo "second $?"; grep -c 'in use by another run' second
         kill -INT $run; wait $run; echo "interrupted $?"; gone 10 interrupted
         grep -o '"cut_short":true' out.json
         begin long.toml
         pkill -KILL -f '[a]oe.ts target 7'; wait $run; echo "target $?"; cat said; gone 10 target
         begin long.toml
         kill -KILL $run; gone 120 controller`,
        { "long.toml": LONG },
      );
      const lines = run.stdout.trim().split("\n");
      expect(lines).toContain("second 5");
      expect(lines).toContain("interrupted 130");
      expect(lines).toContain("interrupted: 0 left, files:");
      expect(lines).toContain('"cut_short":true');
      expect(lines).toContain("target 1");
      expect(run.stdout).toContain("b: the target was killed (SIGKILL) in trial 1");
      expect(lines).toContain("target: 0 left, files:");
      expect(lines).toContain("controller: 0 left, files:");
    },
    LIMIT,
  );

  lab(
    "a killed host side takes its load with it; a link that is down ends that host by its lease",
    async () => {
      const run = await inHostLab(
        "b a1 a2",
        `${WORDS}
         a2=$(sed -n 's/^a2 //p' hosts.pids)
         begin long.toml
         pkill -KILL --ns $a2 --nslist pid -f '[b]ench host'; sleep 1
         echo "on a2: $(pgrep -c --ns $a2 --nslist pid -f '[b]ench load')"
         wait $run; echo "side $?"; cat said; gone 10 side
         begin long.toml
         ip link set c13 down; s=$(date +%s); wait $run; echo "link $?"
         [ $(($(date +%s) - s)) -le 30 ] && echo "in time"
         cat said; gone 120 link`,
        { "long.toml": LONG },
      );
      const lines = run.stdout.trim().split("\n");
      expect(lines).toContain("on a2: 0");
      expect(lines).toContain("side 1");
      expect(run.stdout).toMatch(/a2: the connection ended \(code \d+\).* \(trial 1\)/);
      expect(lines).toContain("link 1");
      expect(lines).toContain("in time");
      expect(run.stdout).toMatch(/a2: (nothing heard for 10 s|the connection ended)/);
      // Its folder stays until the next session that holds the interface.
      expect(run.stdout).toContain("link: 0 left");
    },
    LIMIT,
  );

  lab(
    "coalescing is set in each cell, and put back after any end; a refusal names driver and values",
    async () => {
      const keys = (more: string): string =>
        hostJob(
          '[hosts.b]\n[hosts."a[1-2]"]',
          `target_hosts = "b"\n[one]\ninitiator_hosts = "a[1-2]"\n${more}`,
        );
      const run = await inHostLab(
        "b a1 a2",
        `${WORDS}
         chmod 755 ethtool; mkdir -p tools; mv ethtool tools
         told() { echo "$1:" $(cat a1.home/tx-usecs) $(cat a2.home/tx-usecs); }
         for h in a1 a2; do echo 72 > $h.home/tx-usecs; done
         aoe bench run sweep.toml >/dev/null; echo "sweep $?"; told swept; cat a1.home/log
         begin long.toml; told set
         kill -KILL $run; gone 120 controller; told controller
         begin long.toml
         pkill -KILL -f '[b]ench host'; wait $run; told side
         aoe bench run sweep.toml >/dev/null 2>again; told again
         grep -c 'ended without a word' again
         aoe bench run zero.toml; echo "zero $?"`,
        {
          "long.toml": keys('tx_usecs = 500\nruntime = "30s"'),
          "sweep.toml": keys("tx_usecs = [0, 500]"),
          "zero.toml": keys("tx_usecs = 13"),
          ethtool: `#!/bin/sh
            case "$1" in
            -c) echo "tx-usecs: $(cat $HOME/tx-usecs)";;
            -C) [ "$4" = 13 ] && { echo "netlink error: Invalid argument" >&2; exit 1; }
                echo "$4" > $HOME/tx-usecs; echo "$3 $4" >> $HOME/log;;
            esac`,
        },
        { LAB_PATH: "tools" },
      );
      const lines = run.stdout.trim().split("\n");
      expect([run.stderr, lines]).toEqual([expect.anything(), expect.arrayContaining(["sweep 0"])]);
      expect(lines).toContain("swept: 72 72");
      expect(lines.filter((line) => line.startsWith("tx-usecs")).sort()).toEqual([
        "tx-usecs 0",
        "tx-usecs 500",
        "tx-usecs 72",
      ]);
      expect(lines).toContain("set: 500 500");
      expect(lines).toContain("controller: 72 72");
      // Killed one after another: who sees the other end first may still put its own back.
      expect(run.stdout).toMatch(/^side: (500 500|72 500|500 72)$/m);
      expect(lines).toContain("again: 72 72");
      expect(lines).toContain("zero 5");
      expect(run.stderr).toContain("eth1 (veth) refuses tx-usecs 13: netlink error");
    },
    LIMIT,
  );
});
