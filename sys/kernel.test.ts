// What sys/ reports of the kernel, checked against other sources: Bun's clocks, /proc, the shell.

import { describe, expect, test } from "bun:test";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";

import { probeLab, runInLab } from "../lab/lab.ts";
import { Failure } from "../words/failure.ts";
import { allowedCpus, onlineCpus, pinToCpus } from "./affinity.ts";
import { addNanoseconds, now, wallClockAtZero } from "./clock.ts";
import { closeMany } from "./close_many.ts";
import { describeErrno, EBADF, ENETDOWN, errno, errnoName, refused } from "./errno.ts";
import { interfaceNames, readInterface } from "./interface.ts";
import { interfaceDriver } from "./interface_driver.ts";
import { I64, libc } from "./libc.ts";
import { mapMemory, PAGE_BYTES } from "./memory.ts";
import { notify } from "./notify.ts";
import { createPoller, POLLIN, POLLOUT, type Poller } from "./poll.ts";
import { usage } from "./usage.ts";

describe("clock", () => {
  test("goes as fast as Bun's, and never backwards", () => {
    // On a busy machine others may have the CPU between the two clocks: one time in many they have not.
    const rates = Array.from({ length: 20 }, () => {
      const [ours, theirs] = [now(), Bun.nanoseconds()];
      let last = ours;
      while (Bun.nanoseconds() - theirs < 5e6) {
        const at = now();
        if (at < last) throw new Error(`${at} after ${last}`);
        last = at;
      }
      return (now() - ours) / (Bun.nanoseconds() - theirs);
    });
    expect(Math.min(...rates.map((rate) => Math.abs(rate - 1)))).toBeLessThan(0.01);
  });

  test("is the machine's own: seconds since it started", () => {
    const uptime = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
    expect(Math.abs(now() / 1e9 - uptime)).toBeLessThan(2);
  });

  test("dates an instant to the millisecond, and keeps its nanoseconds", () => {
    const { seconds, nanoseconds } = addNanoseconds(wallClockAtZero(), now());
    expect(Math.abs(seconds * 1000 + nanoseconds / 1e6 - Date.now())).toBeLessThan(50);
    const from = { seconds: 10, nanoseconds: 999_999_999 };
    expect(addNanoseconds(from, 1)).toEqual({ seconds: 11, nanoseconds: 0 });
    expect(addNanoseconds(from, -1_000_000_000)).toEqual({ seconds: 9, nanoseconds: 999_999_999 });
    expect(addNanoseconds({ seconds: 1, nanoseconds: 0 }, -1)).toEqual({
      seconds: 0,
      nanoseconds: 999_999_999,
    });
  });
});

describe("memory", () => {
  const { memcpy } = libc({ memcpy: { args: ["ptr", "ptr", "u32"], returns: "ptr" } });

  test("is zero, the same through both views and by address, and holds still", () => {
    const memory = mapMemory(3 * PAGE_BYTES);
    expect(memory.bytes.every((byte) => byte === 0)).toBe(true);
    memory.view.setUint32(PAGE_BYTES, 0x0102_0304);
    expect([...memory.bytes.slice(PAGE_BYTES, PAGE_BYTES + 4)]).toEqual([1, 2, 3, 4]);
    Bun.gc(true);
    const there = mapMemory(8);
    memcpy(
      there.address as unknown as Parameters<typeof memcpy>[0],
      (memory.address + PAGE_BYTES) as unknown as Parameters<typeof memcpy>[0],
      4,
    );
    expect(there.view.getUint32(0)).toBe(0x0102_0304);
    there.unmap();
    memory.unmap();
    expect(() => memory.unmap()).toThrow("invariant");
  });

  test("goes back to the system", () => {
    const mapped = () => readFileSync("/proc/self/maps", "utf8").split("\n").length;
    const before = mapped();
    for (let i = 0; i < 1000; i++) mapMemory(PAGE_BYTES).unmap();
    expect(mapped()).toBeLessThan(before + 100);
  });

  test("what the kernel has not is a failure, not a crash", () => {
    expect(() => mapMemory(2 ** 50)).toThrow(Failure);
  });

  test("a 64-bit result is a number", () => {
    const c = libc({ lseek: { args: ["i32", I64, "i32"], returns: I64 } });
    const fd = openSync(process.execPath, "r");
    expect(c.lseek(fd, 5_000_000_000, 0)).toBe(5_000_000_000);
    closeSync(fd);
  });
});

describe("errno", () => {
  test("is the last call's, with a name and words", () => {
    const c = libc({ close: { args: ["i32"], returns: "i32" } });
    expect(c.close(-1)).toBe(-1);
    expect(errno()).toBe(EBADF);
    expect(errnoName(ENETDOWN)).toBe("ENETDOWN");
    expect(errnoName(4095)).toBe("errno 4095");
    expect(describeErrno(ENETDOWN)).toBe("Network is down (ENETDOWN)");
    expect(refused("can't fly", ENETDOWN)).toMatchObject({
      message: "can't fly: Network is down (ENETDOWN)",
      exitCode: 5,
    });
  });
});

describe("interfaces", () => {
  test("are those that the kernel lists in this namespace", () => {
    const names = interfaceNames();
    expect(names).toContain("lo");
    // /proc/self/net belongs to this process's own namespace, as /sys may not.
    const listed = readFileSync("/proc/self/net/dev", "utf8")
      .split("\n")
      .slice(2)
      .map((line) => line.split(":")[0]?.trim())
      .filter((name) => name !== "");
    expect(names.toSorted()).toEqual(listed.toSorted() as string[]);
  });

  test("have the MAC that Bun knows", () => {
    for (const [name, addresses] of Object.entries(networkInterfaces())) {
      const mac = addresses?.[0]?.mac.replaceAll(":", "");
      if (mac === undefined) continue;
      expect(readInterface(name)?.mac).toBe(Number.parseInt(mac, 16));
    }
    expect(readInterface("lo")).toMatchObject({ index: 1, mac: 0, loopback: true, ethernet: true });
  });

  test("that are not there are null", () => {
    for (const name of ["nope0", "", "a name that is far too long"]) {
      expect(readInterface(name)).toBeNull();
      expect(interfaceDriver(name)).toBeNull();
    }
  });

  const lab = probeLab();
  if (!lab.available) test.skip(`say which driver they have: ${lab.reason}`, () => {});
  else {
    test("say which driver they have", async () => {
      const script = `import { interfaceDriver } from ${JSON.stringify(join(import.meta.dir, "interface_driver.ts"))};
        console.log(interfaceDriver("a0"), interfaceDriver("lo"))`;
      const run = await runInLab([process.execPath, "-e", script]);
      expect([run.stdout, run.stderr]).toEqual(["veth null\n", ""]);
    });
  }
});

describe("poll", () => {
  test("waits its time in nanoseconds, and not when there is something", () => {
    const poller = createPoller();
    const other = createPoller();
    for (const timeout of [50e3, 3e6]) {
      const start = now();
      expect(poller.wait(start + timeout)).toBe(0);
      expect(now() - start).toBeGreaterThanOrEqual(timeout);
    }
    const got: number[] = [];
    poller.add(other.wakeFd, (events) => got.push(events), POLLIN | POLLOUT);
    other.wake();
    expect(poller.wait(now() + 1e9)).toBe(1);
    expect(got).toEqual([POLLIN | POLLOUT]);
    // Another interest, the same descriptor.
    other.serve();
    poller.add(other.wakeFd, (events) => got.push(events));
    expect(poller.serve()).toBe(0);
    poller.remove(other.wakeFd);
    other.wake();
    expect(poller.serve()).toBe(0);
    poller.close();
    other.close();
  });

  test("an alarm that was set for an earlier wait ends no later one", () => {
    const poller = createPoller();
    /** Leaves the alarm armed for `armed` ns from now. */
    const arm = (armed: number): void => {
      poller.wake();
      expect(poller.wait(now() + armed)).toBe(1);
    };
    const sleep = (time: number): void => {
      const start = now();
      expect(poller.wait(start + time)).toBe(0);
      expect(now() - start).toBeGreaterThanOrEqual(time);
      expect(now() - start).toBeLessThan(time + 500e6);
    };
    // It rings too early for this one, and too late.
    arm(2e6);
    sleep(8e6);
    arm(5e9);
    sleep(2e6);
    // It rings while nobody waits: no wake-up for who looks, none for who sleeps.
    arm(2e6);
    Bun.sleepSync(10);
    expect(poller.serve()).toBe(0);
    arm(2e6);
    Bun.sleepSync(10);
    sleep(3e6);
    // What has passed is not waited for.
    for (const past of [now(), 1, 0, Number.NEGATIVE_INFINITY]) expect(poller.wait(past)).toBe(0);
    poller.close();
  });

  test("what has come when an alarm for an earlier wait rings ends the wait", () => {
    const poller = createPoller();
    const other = createPoller();
    poller.add(other.wakeFd, () => other.serve());
    poller.wake();
    expect(poller.wait(now() + 2e6)).toBe(1);
    Bun.sleepSync(10);
    other.wake();
    const start = now();
    expect(poller.wait(start + 20e9)).toBe(1);
    expect(now() - start).toBeLessThan(10e9);
    poller.close();
    other.close();
  });

  test("a number that was closed and given again is watched again", () => {
    const poller = createPoller();
    let first: Poller;
    let second: Poller;
    do {
      first = createPoller();
      poller.add(first.wakeFd, () => expect.unreachable());
      first.close();
      // The lowest numbers that are free: those of `first`, unless the runtime has taken one meanwhile.
      second = createPoller();
    } while (second.wakeFd !== first.wakeFd);
    let served = 0;
    poller.add(second.wakeFd, () => served++);
    second.wake();
    expect(poller.serve()).toBe(1);
    expect(served).toBe(1);
    second.close();
    poller.remove(second.wakeFd);
    expect(poller.serve()).toBe(0);
    poller.close();
  });

  test("one that another removes or replaces is not served by what was told of it before", () => {
    for (const how of ["removed", "added again", "replaced"]) {
      const replaced = how !== "removed";
      const poller = createPoller();
      const pair = [createPoller(), createPoller()] as const;
      const heard: string[] = [];
      for (const [index, one] of pair.entries()) {
        const other = pair[1 - index] as Poller;
        // Whichever comes first.
        poller.add(one.wakeFd, () => {
          heard.push("first");
          if (heard.length > 1) return;
          if (how !== "replaced") poller.remove(other.wakeFd);
          if (replaced) poller.add(other.wakeFd, () => heard.push("new"));
        });
        one.wake();
      }
      expect(poller.serve()).toBe(1);
      expect(heard).toEqual(["first"]);
      expect(poller.serve()).toBe(replaced ? 2 : 1);
      expect(heard.toSorted()).toEqual(replaced ? ["first", "first", "new"] : ["first", "first"]);
      for (const one of [poller, ...pair]) one.close();
    }
  });

  test("serves hundreds, each once, while they come and go from within", () => {
    const poller = createPoller();
    const others = Array.from({ length: 300 }, createPoller);
    const served: number[] = [];
    for (const [index, other] of others.entries()) {
      poller.add(other.wakeFd, () => {
        served.push(index);
        if (index % 3 === 0) poller.remove(other.wakeFd);
        else other.serve();
      });
      other.wake();
    }
    poller.serve();
    expect(served.toSorted((a, b) => a - b)).toEqual(others.map((_, index) => index));
    served.length = 0;
    for (const other of others) other.wake();
    expect(poller.serve()).toBe(200);
    expect(served.every((index) => index % 3 !== 0)).toBe(true);
    for (const other of others) other.close();
    poller.close();
  });
});

describe("affinity", () => {
  test("pins every thread, and says which CPUs there are when asked for another", () => {
    // In a process of its own: this one keeps its CPUs.
    const script = `
      import { allowedCpus, pinToCpus } from "${import.meta.dir}/affinity.ts";
      const all = allowedCpus();
      const cpu = all.at(-1);
      pinToCpus([cpu]);
      console.log(cpu, allowedCpus().join());
      for (const cpu of [8191, -1]) try { pinToCpus([cpu]); } catch (error) { console.log(error.exitCode, error.message); }
      await Bun.sleep(20);
      const { readdirSync, readFileSync } = await import("node:fs");
      const masks = new Set(readdirSync("/proc/self/task").map((thread) =>
        /Cpus_allowed_list:\\s*(.*)/.exec(readFileSync("/proc/self/task/" + thread + "/status", "utf8"))[1]));
      console.log([...masks].join());
      const two = all.slice(0, 2);
      try { pinToCpus(two); } catch (error) { console.log(error.message); }
      console.log(allowedCpus().join() === two.join());
    `;
    const run = Bun.spawnSync([process.execPath, "-e", script], { stderr: "inherit" });
    const last = allowedCpus().at(-1);
    expect(run.stdout.toString().trim().split("\n")).toEqual([
      `${last} ${last}`,
      `5 Can't run on CPUs 8191: this process may use ${last}`,
      `5 No CPU -1 on this machine: it has ${last}`,
      `${last}`,
      "true",
    ]);
    expect(allowedCpus().length).toBeGreaterThan(0);
    // Pinned or not.
    expect(onlineCpus()).toBeGreaterThanOrEqual(allowedCpus().length);
    expect(pinToCpus).toBeFunction();
  });
});

describe("usage", () => {
  test("grows with work, not with sleep", () => {
    const before = usage();
    // Until another clock has counted as much: on a busy machine we have the CPU only now and then.
    const began = process.cpuUsage();
    const worksFor = (us: number): boolean => {
      const { user, system } = process.cpuUsage(began);
      return user + system < us;
    };
    while (worksFor(40e3));
    const worked = usage();
    const cost = worked.user + worked.system - before.user - before.system;
    expect(cost).toBeGreaterThan(20e6);
    expect(worked.peakBytes).toBeGreaterThan(8 << 20);
    const { voluntarySwitches } = worked;
    Bun.sleepSync(30);
    const slept = usage(worked);
    expect(slept).toBe(worked);
    expect(slept.voluntarySwitches).toBeGreaterThan(voluntarySwitches);
    // The kernel's own figure, in KiB; it counts pages for both, at other moments.
    const status = readFileSync("/proc/self/status", "utf8");
    const peak = Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) * 1024;
    expect(Math.abs(slept.peakBytes / peak - 1)).toBeLessThan(0.015);
  });
});

describe("notify", () => {
  test("says nothing where nobody listens, and why it can't where the socket is not there", () => {
    expect(notify("READY=1", "")).toBeNull();
    expect(notify("READY=1", "/nonexistent/socket")).toContain("ENOENT");
    expect(notify("READY=1", `/${"x".repeat(200)}`)).toContain("longer than 107");
  });

  const python = Bun.which("python3");
  test.skipIf(python === null)(
    "reaches a datagram socket, by path and by abstract name (needs python3)",
    () => {
      const name = `aoe-test-${process.pid}`;
      for (const [bind, path] of [
        [`"/tmp/${name}"`, `/tmp/${name}`],
        [`"\\0${name}"`, `@${name}`],
      ] as const) {
        const script = `import socket,subprocess,sys,os
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(${bind}); s.settimeout(10)
subprocess.run(sys.argv[1:],check=True); print(s.recv(4096).decode(),end="")
if os.path.exists("/tmp/${name}"): os.unlink("/tmp/${name}")`;
        const send = `import { notify } from "${import.meta.dir}/notify.ts"; const said = notify("READY=1\\nSTATUS=3 exports", process.argv[1]); if (said !== null) { console.error(said); process.exit(1); }`;
        const run = Bun.spawnSync(
          [python ?? "", "-c", script, process.execPath, "-e", send, path],
          { stderr: "inherit" },
        );
        expect(run.stdout.toString()).toBe("READY=1\nSTATUS=3 exports");
        expect(existsSync(`/tmp/${name}`)).toBe(false);
      }
    },
  );
});

describe("closing many", () => {
  test("closes each, more than go abreast, and none that is not named", () => {
    const open = (fd: number) => existsSync(`/proc/self/fd/${fd}`);
    const fds = Array.from({ length: 150 }, () => openSync("/dev/null", "r"));
    const kept = fds.pop() ?? -1;
    expect(fds.filter(open)).toEqual(fds);
    closeMany(fds);
    expect(fds.filter(open)).toEqual([]);
    expect(open(kept)).toBe(true);
    closeSync(kept);
    expect(() => closeSync(kept)).toThrow("EBADF");
  });
});
