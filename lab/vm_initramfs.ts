// The guest's first file system: busybox, modules and /init, as a cpio archive
// ("newc":
// Documentation/driver-api/early-userspace/buffer-format.rst). It lives until the machine's own
// files are mounted.

import { shellLine } from "./shell.ts";
import type { KernelModule } from "./vm_modules.ts";
import type { GuestNic } from "./vm_nics.ts";

const FOLDER = 0o040755;
const PROGRAM = 0o100755;

/** Where the guest finds what: the machine's files are its own, under the same paths. */
export interface Boot {
  readonly busybox: Uint8Array;
  readonly modules: readonly KernelModule[];
  readonly nics: readonly GuestNic[];
  /** The lab's own, a file system that only the lab has. */
  readonly folder: string;
  /** What runs once the machine's files are there. */
  readonly next: readonly string[];
}

const NINE_P = "trans=virtio,version=9p2000.L,msize=512000";

/** Shares of the machine's files, all of them and the lab's own, in QEMU and in the guest. */
export const ROOT_TAG = "root";
export const LAB_TAG = "lab";

export function makeInitramfs({ busybox, modules, nics, folder, next }: Boot): Uint8Array {
  const files: [name: string, mode: number, bytes: Uint8Array][] = [
    ...["bin", "dev", "proc", "sys", "host", "modules"].map(
      (name): [string, number, Uint8Array] => [name, FOLDER, new Uint8Array()],
    ),
    ["bin/busybox", PROGRAM, busybox],
    ...modules.map(({ name, bytes }): [string, number, Uint8Array] => [
      `modules/${name}.ko`,
      PROGRAM,
      bytes,
    ]),
    ["init", PROGRAM, new TextEncoder().encode(initScript(modules, nics, folder, next))],
  ];
  return cpio(files);
}

function initScript(
  modules: readonly KernelModule[],
  nics: readonly GuestNic[],
  folder: string,
  next: readonly string[],
): string {
  const parameters = new Map(nics.map((nic) => [nic.module, nic.parameters.join(" ")]));
  return [
    "#!/bin/busybox sh",
    "b=/bin/busybox",
    'fail() { echo "aoe-guest: $1"; $b poweroff -f; }',
    'load() { $b insmod "/modules/$1.ko" $2 || fail "The kernel refuses its module $1"; }',
    "$b mount -t devtmpfs dev /dev; $b mount -t proc proc /proc; $b mount -t sysfs sys /sys",
    ...modules.map(({ name }) => `load ${name} ${parameters.get(name) ?? ""}`),
    // What is read again comes from the guest's memory, and what is written is there at the next
    // sync; but what
    // the two tell each other goes through at once.
    `$b mount -t 9p -o ${NINE_P},cache=loose ${ROOT_TAG} /host &&`,
    `  $b mount -t 9p -o ${NINE_P},cache=none ${LAB_TAG} /host${folder} ||`,
    `  fail "The machine's files can't be mounted"`,
    "for d in dev proc sys; do $b mount --move /$d /host/$d; done",
    `exec $b switch_root /host ${shellLine(next)}`,
    "",
  ].join("\n");
}

/** A name, a mode and content each; all belong to root. */
function cpio(files: readonly (readonly [string, number, Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const encoder = new TextEncoder();
  const padded = (bytes: Uint8Array): void => {
    parts.push(bytes, new Uint8Array((4 - (bytes.length % 4)) % 4));
  };
  for (const [index, [name, mode, bytes]] of [
    ...files,
    ["TRAILER!!!", 0, new Uint8Array()] as const,
  ].entries()) {
    const path = encoder.encode(`${name}\0`);
    const fields = [index + 1, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, path.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    padded(Buffer.concat([encoder.encode(header), path]));
    padded(bytes);
  }
  return Buffer.concat(parts);
}
