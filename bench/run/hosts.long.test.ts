// A job over hosts, from the command line to the result: a lab of hosts on this machine, with a
// real sshd in each.

import { describe, expect, test } from "bun:test";
import { hostJob, hostLabLacks, inHostLab } from "../../testing/doubles/host_lab.ts";
import { Histogram } from "../../statistics/histogram.ts";
import { aoeBlock } from "./whole_trial.ts";
import type { RunResult } from "../result/result.ts";

const lacks = hostLabLacks();
const lab = lacks === null ? test : test.skip;
const LIMIT = 200_000;

const THREE = '[hosts.b]\n[hosts."a[1-2]"]';
const BOTH = 'target_hosts = "b"\n[one]\ninitiator_hosts = "a[1-2]"';

describe(`hosts${lacks === null ? "" : ` (skipped: ${lacks})`}`, () => {
  lab(
    "two loads on two hosts begin together, and are merged exactly; what was put is not put again",
    async () => {
      const run = await inHostLab(
        "b a1 a2",
        `aoe bench run job.toml -o one.json && aoe bench run job.toml -o two.json 2>again
         code=$?; cat two.json; cat again >&2; ls -A $W/*.tmp >&2; exit $code`,
        { "job.toml": hostJob(THREE, BOTH) },
        { LAB_TIMENS_a1: "-T --monotonic 1000", LAB_TIMENS_a2: "-T --monotonic 500" },
      );
      expect([run.code, run.stderr]).toEqual([0, expect.stringContaining("3 hosts: ")]);
      expect(run.stderr).toContain("b (target)");
      expect(run.stderr.match(/put there/g)).toHaveLength(3);
      expect(run.stderr).not.toContain("aoe-host-");
      const result = resultIn(run.stdout);
      expect(result.hosts.map(({ name, role, became }) => `${name} ${role} ${became}`)).toEqual([
        "a1 initiator no",
        "a2 initiator no",
        "b target no",
      ]);
      const [trial] = result.cells[0]?.trials ?? [];
      if (trial?.start === undefined || trial.start === null) throw new Error("a trial that began");
      expect(trial.failure).toBeNull();
      expect(trial.loads.map(({ host, address }) => `${host} ${address}`)).toEqual([
        "a1 e7.3",
        "a2 e7.3",
      ]);
      const all = new Histogram();
      for (const { fio } of trial.loads) all.addBuckets(aoeBlock(fio).lat_buckets_ns ?? []);
      all.bound(Math.max(...trial.loads.map(({ figures }) => figures.lat_max_ns ?? 0)));
      expect(trial.figures?.lat_p99_ns).toBe(all.percentile(99));
      const truth: Record<string, number> = { a1: 1000e9, a2: 500e9 };
      for (const { host, offset_ns, bound_ns } of trial.start.clocks) {
        expect(Math.abs(offset_ns - (truth[host] ?? 0))).toBeLessThanOrEqual(bound_ns);
      }
      expect(trial.start.overlap).toBeGreaterThan(0.3);
      // Names of the job, and nothing of the machines.
      expect(run.stdout.slice(run.stdout.indexOf("{"))).not.toContain("10.7.0.");
    },
    LIMIT,
  );

  lab(
    "the runtime is put there once, and a changed byte of it is refused",
    async () => {
      const run = await inHostLab(
        "b a1",
        `sed -i /^bun/d job.toml
         aoe bench run job.toml >out 2>&1 || { cat out; exit 9; }
         grep 'put there' out
         for part in $W/a1.home/.cache/aoe/bun-*; do printf x >> $part; done
         aoe bench run job.toml`,
        {
          "job.toml": hostJob("[hosts.b]\n[hosts.a1]", BOTH.replace("a[1-2]", "a1")),
        },
      );
      expect(run.stdout.match(/put there/g)).toHaveLength(2);
      expect(run.code).toBe(5);
      expect(run.stderr).toMatch(/a1: bun-\w{12}… in ~\/.cache\/aoe is not what its name says/);
    },
    LIMIT,
  );

  lab(
    "what is wrong is told by host, all of it at once, and nothing runs",
    async () => {
      const hosts = `${THREE}\n[hosts.c]\nssh = "nobody-knows"\n[hosts.d]\nssh = "10.7.0.1"`;
      const keys = 'target_hosts = "b"\n[one]\ninitiator_hosts = ["a1", "c", "d"]';
      const run = await inHostLab(
        "b a1 a2",
        `for job in unreachable interface mtu key
         do aoe bench run $job.toml; echo "$job $?"; done`,
        {
          "unreachable.toml": hostJob(hosts, keys),
          "interface.toml": hostJob(
            THREE.replace("[hosts.b]", '[hosts.b]\ninterface = "eth7"'),
            BOTH,
          ),
          "mtu.toml": hostJob(THREE.replace("[hosts.b]", "[hosts.b]\nmtu = 1500"), BOTH),
          "key.toml": hostJob(THREE.replace("[hosts.b]", '[hosts.b]\nssh = "stranger@b"'), BOTH),
        },
      );
      expect(run.stdout.trim().split("\n")).toEqual([
        "unreachable 5",
        "interface 5",
        "mtu 5",
        "key 5",
      ]);
      expect(run.stderr).toContain("c: no such name, neither in ssh's configuration nor in DNS");
      expect(run.stderr).toContain("d: it is there, but no sshd listens");
      expect(run.stderr).toContain("2 faults in 4 hosts, so nothing was run");
      expect(run.stderr).toContain("b: there is no eth7; it has: eth0 (up, 1500), eth1 (up, 9000)");
      expect(run.stderr).toContain("b: eth1 has MTU 9000, where the job expects 1500");
      expect(run.stderr).toContain("b: it refuses the key. `ssh stranger@b true` must work");
    },
    LIMIT,
  );

  lab(
    "`bench hosts` tells of each host, and --clean leaves nothing there",
    async () => {
      const run = await inHostLab(
        "b a1 a2",
        `aoe bench hosts job.toml; aoe bench hosts job.toml --clean --json; echo "code $?"
         ls -A $W/*.home/.cache`,
        { "job.toml": hostJob(THREE, BOTH) },
      );
      const [head = "", first = ""] = run.stdout.split("\n");
      expect(head).toMatch(/^host +ssh +kernel +CPU +interface +clock +program$/);
      expect(first).toMatch(/^b +b +\S+ .* eth1 veth 9000 up +±.* put there \(/);
      expect(run.stdout).toContain('"name":"a2","role":"initiator"');
      expect(run.stdout).toContain("code 0");
      expect(run.stdout).not.toContain("\naoe\n");
    },
    LIMIT,
  );

  lab(
    "without raw sockets one sentence; by sudo it runs, with two capabilities and no more",
    async () => {
      const job = hostJob(THREE.replace("[1-2]", "1"), BOTH.replace("[1-2]", "1"));
      const run = await inHostLab(
        "b a1",
        `chmod 755 sudo without; mkdir tools; mv sudo tools
         aoe bench run job.toml >out 2>&1; echo "plain $?"; cat out
         sed -i /ForceCommand/d b.sshd a1.sshd
         for host in b a1; do pkill -HUP -o -f "sshd -D.*/$host.sshd"; done; sleep 1
         aoe bench run sudo.toml -o out.json >&2 &
         t=0; until pid=$(pgrep -n -f '[b]ench load.*--gate') || [ $t -gt 300 ]
         do sleep 0.1; t=$((t + 1)); done
         sleep 0.5; grep CapAmb /proc/$pid/status; wait; ls out.json
         printf '#!/bin/sh\nexit 1\n' > tools/sudo; aoe bench run sudo.toml; echo "asks $?"`,
        {
          "job.toml": job,
          "sudo.toml": `${job.replace("[hosts]", '[hosts]\nbecome = "sudo"')}\nruntime = "10s"`,
          // A namespace of one user has no groups to set.
          sudo: `#!/bin/sh
            [ "$2" = true ] && exit 0
            shift; words=""
            for word; do [ "$word" = --init-groups ] && word=--keep-groups
              words="$words '$word'"; done
            eval exec "$words"`,
          without: `#!/bin/sh
            exec setpriv --inh-caps -all --ambient-caps -all sh -c "$SSH_ORIGINAL_COMMAND"`,
        },
        { LAB_PATH: "tools", LAB_SSHD: "ForceCommand sh $W/without" },
      );
      expect(run.stdout).toContain("plain 5");
      expect(run.stdout).toContain('a1: user lab may not open raw sockets. Say `become = "sudo"`');
      expect(run.stdout).toContain("CapAmb:\t0000000000003000");
      expect(run.stdout).toContain("out.json");
      expect(run.stdout).toContain("asks 5");
      expect(run.stderr).toContain("a1: sudo wants a password");
    },
    LIMIT,
  );

  lab(
    "--show connects to nothing",
    async () => {
      const run = await inHostLab(
        "b",
        `printf '#!/bin/sh\\ntouch $W/asked\\n' > bin/ssh; aoe bench run job.toml --show; ls`,
        { "job.toml": hostJob(THREE, BOTH) },
      );
      expect(run.stdout).toContain("[hosts.a2]");
      expect(run.stdout).toContain("#   b: aoe target 7 3 eth1 IMAGE -b 64");
      expect(run.stdout).toContain("#   a2: aoe bench load e7.3 --interface eth1 --json");
      expect(run.stdout).not.toContain("asked");
    },
    LIMIT,
  );
});

/** The document that stands in what was said. */
function resultIn(text: string): RunResult {
  return JSON.parse(text.slice(text.indexOf('{"schema_version"'))) as RunResult;
}
