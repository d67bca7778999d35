// Starts a lab's guest, inside the lab, and ends when the guest can run commands. QEMU stays as a
// child of the lab's first process, and ends with the lab.
//
//   COMMAND ── b0 (a tap) ── QEMU's NIC ═ a0, a real driver, in the guest ── `aoe lab guest …`
//                                         │ 9p
//   the machine's files ──────────────────┘ all of them, with the rights of whoever started the lab
//
//   bun vm_start.ts FOLDER SPEC      SPEC: a Guest as JSON

import { existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { environment, Failure } from "../words/failure.ts";
import { AGENT, isRunning, lastWords, QEMU_NAME } from "./vm_guest.ts";
import { LAB_TAG, makeInitramfs, ROOT_TAG } from "./vm_initramfs.ts";
import { loadOrder } from "./vm_modules.ts";
import type { GuestNic } from "./vm_nics.ts";
import type { Accelerator, VmParts } from "./vm_parts.ts";

export interface Guest {
  readonly parts: VmParts;
  readonly nics: readonly GuestNic[];
  /** Loaded as well: names, or files. */
  readonly extra: readonly string[];
}

/** What a result says of the guest. */
export interface GuestFacts {
  readonly kernel: string;
  readonly accelerator: Accelerator;
  readonly nics: readonly {
    readonly interface: string;
    readonly nic: string;
    readonly driver: string;
  }[];
}

/**
 * A kernel under KVM that has said nothing for so long never will: a KVM in a KVM is not always
 * one.
 */
const SILENT = 5_000;
const BOOTED = 240_000;
const MEMORY = "1024";

/**
 * What the guest does when the machine's files are there: names its interfaces, says so, and serves
 * commands.
 */
function guestScript(mtu: number): string {
  return `
b=$1; folder=$2
fail() { echo "aoe-guest: $1" >/dev/ttyS0; $b poweroff -f; }
$b ip link set lo up
$b mount -t debugfs debugfs /sys/kernel/debug
for device in $($b ls /sys/class/net); do
  read -r mac </sys/class/net/$device/address
  case $mac in 02:00:00:00:00:a?) name=a\${mac#02:00:00:00:00:a} ;; *) continue ;; esac
  $b ip link set $device name $name
  $b ip link set $name mtu ${mtu} || fail "The driver of $name does not take an MTU of ${mtu}"
  $b ip link set $name up || fail "The driver of $name does not start"
  driver=/sys/class/net/$name/device/driver
  driver=$($b readlink $driver/module || $b readlink $driver)
  echo "$name \${driver##*/}" >>"$folder/nics"
done
while read -r name _; do
  tries=0
  until [ "$($b cat /sys/class/net/$name/carrier)" = 1 ] || [ $tries -ge 100 ]; do
    $b sleep 0.1
    tries=$((tries + 1))
  done
done <"$folder/nics"
$b uname -r >"$folder/ready.new" && $b mv "$folder/ready.new" "$folder/ready"
${AGENT}`;
}

async function main(folder: string, guest: Guest, mtu: number): Promise<GuestFacts> {
  const { parts, nics, extra } = guest;
  const agent = join(folder, "agent");
  writeFileSync(agent, guestScript(mtu));
  const names = ["virtio_pci", "9pnet_virtio", "9p", ...nics.map(({ module }) => module), ...extra];
  const initramfs = makeInitramfs({
    busybox: readFileSync(parts.busybox),
    modules: loadOrder(parts.modules, names),
    nics,
    folder,
    next: [parts.busybox, "sh", agent, parts.busybox, folder],
  });
  writeFileSync(join(folder, "initramfs"), initramfs);
  Bun.spawnSync(["mkfifo", join(folder, "ctl.in"), join(folder, "ctl.out")]);
  for (const accelerator of parts.accelerators) {
    if (await boots(folder, guest, accelerator)) return factsOf(folder, nics, accelerator);
  }
  throw environment(`The guest did not start: ${lastWords(folder)}`);
}

/** False: the accelerator accelerates nothing. Throws where the guest can't be made. */
async function boots(folder: string, guest: Guest, accelerator: Accelerator): Promise<boolean> {
  const log = openSync(join(folder, "qemu.log"), "w");
  writeFileSync(join(folder, "console"), "");
  const child = Bun.spawn(["setsid", ...qemuLine(folder, guest, accelerator)], {
    stdio: ["ignore", log, log],
  });
  child.unref();
  writeFileSync(join(folder, "pid"), String(child.pid));
  const start = performance.now();
  while (!existsSync(join(folder, "ready"))) {
    await Bun.sleep(50);
    const passed = performance.now() - start;
    if (!isRunning(folder) || child.exitCode !== null)
      throw environment(`The guest ended before it was ready: ${lastWords(folder)}`);
    // SeaBIOS speaks on it as well.
    const speaks = readFileSync(join(folder, "console"), "latin1").includes("Linux version");
    const hangs = accelerator === "kvm" && !speaks && passed > SILENT;
    if (!hangs && passed < BOOTED) continue;
    child.kill("SIGKILL");
    await child.exited;
    if (hangs) return false;
    throw environment(`The guest was not ready after ${BOOTED / 1000} s: ${lastWords(folder)}`);
  }
  return true;
}

function qemuLine(folder: string, { parts, nics }: Guest, accelerator: Accelerator): string[] {
  const cpu = accelerator === "kvm" ? "host" : "max";
  return [
    parts.qemu,
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-name", `${QEMU_NAME},process=${QEMU_NAME}`, "-machine", `q35,accel=${accelerator}`],
    ...["-cpu", cpu, "-smp", "2", "-m", MEMORY],
    ...["-kernel", parts.kernel, "-initrd", join(folder, "initramfs")],
    "-append",
    "console=ttyS0 earlyprintk=serial loglevel=4 panic=-1 nokaslr ipv6.disable=1 mitigations=off",
    ...["-serial", `file:${join(folder, "console")}`],
    ...["-chardev", `pipe,id=ctl,path=${join(folder, "ctl")}`, "-serial", "chardev:ctl"],
    ...shareWords(ROOT_TAG, "/"),
    ...shareWords(LAB_TAG, folder),
    ...nics.flatMap(({ device }, index) => [
      ...["-netdev", `tap,id=n${index},ifname=b${index},script=no,downscript=no`],
      ...["-device", `${device},netdev=n${index},mac=02:00:00:00:00:a${index},romfile=`],
    ]),
  ];
}

function shareWords(tag: string, path: string): string[] {
  const share = `local,id=${tag},path=${path},security_model=none,multidevs=remap`;
  return ["-fsdev", share, "-device", `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`];
}

function factsOf(folder: string, nics: readonly GuestNic[], accelerator: Accelerator): GuestFacts {
  const kernel = readFileSync(join(folder, "ready"), "utf8").trim();
  const drivers = existsSync(join(folder, "nics"))
    ? readFileSync(join(folder, "nics"), "utf8")
    : "";
  const driverOf = new Map(
    drivers.split("\n").map((line): [string, string] => {
      const [name = "", driver = ""] = line.split(" ");
      return [name, driver];
    }),
  );
  return {
    kernel,
    accelerator,
    nics: nics.map(({ name }, index) => {
      const driver = driverOf.get(`a${index}`);
      if (driver === undefined) throw environment(`No driver of the guest took its ${name}`);
      return { interface: `a${index}`, nic: name, driver };
    }),
  };
}

try {
  const [, , folder = "", spec = "", mtu = ""] = process.argv;
  const facts = await main(folder, JSON.parse(spec) as Guest, Number(mtu));
  writeFileSync(join(folder, "facts.json"), JSON.stringify(facts));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
process.exit();
