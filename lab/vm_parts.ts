// What a guest is made of, as the machine has it: QEMU, a static busybox, a kernel and its modules.
// Nothing is fetched and nothing is installed: what is absent is said in one sentence.
//
// A kernel is a package of the distribution, installed (/boot, /lib/modules) or only unpacked:
//
//   dpkg-deb -x linux-image-6.1.0-57-amd64_….deb kernel
//   aoe lab --vm e1000e --kernel kernel -- …

import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { environment, Failure } from "../words/failure.ts";
import { findProgram } from "./programs.ts";

export type Accelerator = "kvm" | "tcg";

export interface VmParts {
  readonly qemu: string;
  readonly busybox: string;
  readonly kernel: string;
  /** Of the kernel and of its modules: 6.1.0-57-amd64. */
  readonly version: string;
  /** …/lib/modules/VERSION. */
  readonly modules: string;
  /** Those to try, the fastest first. */
  readonly accelerators: readonly Accelerator[];
}

export interface PartsWanted {
  /**
   * A kernel's file, or a folder that has boot/ and lib/modules/ as a package does; else
   * $AOE_KERNEL, else the system's.
   */
  readonly kernel?: string;
  /** The folder of its modules, where that doesn't follow from the kernel's place. */
  readonly modules?: string;
  readonly accelerator?: Accelerator;
}

const QEMU_OF: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: "qemu-system-x86_64",
};

const TUN = "/dev/net/tun";

/** Throws the environment Failure that names what is absent. */
export function findParts(wanted: PartsWanted): VmParts {
  const name = QEMU_OF[process.arch];
  if (name === undefined)
    throw environment(`No guest can be made: that needs an x86-64 machine, not ${process.arch}`);
  const kernel = findKernel(wanted);
  if (!isOpen(TUN)) {
    throw environment(
      `No guest can be cabled: ${TUN} can't be opened; most systems let every user (mode 0666)`,
    );
  }
  return {
    qemu: program(name, "qemu-system-x86"),
    busybox: program("busybox", "busybox-static"),
    ...kernel,
    accelerators: accelerators(wanted.accelerator),
  };
}

/** Why no guest can be made here, for tests; null: it can. */
export function missingPart(wanted: PartsWanted = {}): string | null {
  try {
    findParts(wanted);
    return null;
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
}

function program(name: string, origin: string): string {
  const path = findProgram(name);
  if (path !== null) return path;
  throw environment(
    `No guest can be made: \`${name}\` (${origin}) is neither in PATH nor in /usr/sbin or /sbin`,
  );
}

function accelerators(asked: Accelerator | undefined): Accelerator[] {
  if (asked === "tcg") return ["tcg"];
  const kvm = isOpen("/dev/kvm");
  if (asked === undefined) return kvm ? ["kvm", "tcg"] : ["tcg"];
  if (!kvm) throw environment("No KVM here: /dev/kvm can't be opened");
  return ["kvm"];
}

function isOpen(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

type Kernel = Pick<VmParts, "kernel" | "version" | "modules">;

function findKernel({ kernel: where = process.env["AOE_KERNEL"], modules }: PartsWanted): Kernel {
  const place = where === undefined || where === "" ? "/" : resolve(where);
  const isFile = statSync(place, { throwIfNoEntry: false })?.isFile() === true;
  const found = isFile ? [fromFile(place, modules)] : inFolder(place, modules);
  const kernel = found.find((one) => one !== null);
  if (kernel !== undefined && kernel !== null) return kernel;
  if (isFile) {
    throw environment(
      `The kernel ${place} can't be read, or its modules are not beside it: --modules names them`,
    );
  }
  const lacks = "no boot/vmlinuz-* that can be read with its lib/modules/*";
  const remedy =
    "install the package linux-image-amd64, or unpack it and name its folder with --kernel";
  const who = place === "/" ? "this system" : place;
  throw environment(`No guest can be made: ${who} has ${lacks}; ${remedy}`);
}

/** The newest first. */
function inFolder(folder: string, modules: string | undefined): (Kernel | null)[] {
  const names = listOf(join(folder, "boot")).filter((name) => name.startsWith("vmlinuz-"));
  names.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  return names.map((name) => fromFile(join(folder, "boot", name), modules));
}

function fromFile(kernel: string, asked: string | undefined): Kernel | null {
  try {
    accessSync(kernel, constants.R_OK);
  } catch {
    return null;
  }
  const version = basename(kernel).replace(/^[a-z]+-/, "");
  const above = dirname(dirname(kernel));
  const folders =
    asked === undefined
      ? ["lib", "usr/lib"].map((lib) => join(above, lib, "modules", version))
      : [resolve(asked)];
  const modules = folders.find((folder) => listOf(folder).includes("modules.order"));
  return modules === undefined ? null : { kernel, version: basename(modules), modules };
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
