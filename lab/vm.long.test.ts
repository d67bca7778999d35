// A lab with a guest: a NIC's real driver at the other end of the cable. One boot for all of it,
// since a kernel takes its time without KVM.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "bun:test";

import { environment, Failure } from "../words/failure.ts";
import { probeLab } from "./lab.ts";
import { childrenOf, readStat } from "./process_tree.ts";
import { AOE } from "./programs.ts";
import { makeInitramfs } from "./vm_initramfs.ts";
import { parseNics } from "./vm_nics.ts";
import { findParts, missingPart } from "./vm_parts.ts";
import { QEMU_NAME } from "./vm_guest.ts";

function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

const LACKS =
  "has no boot/vmlinuz-* that can be read with its lib/modules/*; " +
  "install the package linux-image-amd64, or unpack it and name its folder with --kernel";

/** Says where it is, and then waits for its death. */
const SCRIPT = `
cat "$AOE_LAB_GUEST/facts.json"; echo
$LAB target 7 3 $AOE_LAB_B disk.img & target=$!
$LAB lab guest sh -c 'echo "$AOE_LAB_A in $PWD"; echo heard >&2; exit 7'; echo "code $?"
$LAB lab guest aoe initiator discover --interface $AOE_LAB_A --wait 5s; echo "found $?"
sleep 1000`;

const probe = probeLab();
const missing = probe.available ? missingPart() : probe.reason;
const NAME = "a guest reaches a target, and nothing stays when the lab is killed";

test.skipIf(missing !== null)(
  missing === null ? NAME : `${NAME}: ${missing}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-vm-"));
    writeFileSync(join(folder, "disk.img"), new Uint8Array(65_536));
    const words = [process.execPath, AOE, "lab", "--vm", "e1000e", "--", "sh", "-c", SCRIPT];
    const child = Bun.spawn(words, {
      cwd: folder,
      env: { ...process.env, LAB: `${process.execPath} ${AOE}` },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const heard = new Response(child.stderr).text();
    let said = "";
    try {
      for await (const bytes of child.stdout) {
        said += new TextDecoder().decode(bytes);
        if (said.includes("found ")) break;
      }
      const tree = treeOf(child.pid);
      expect(tree.map((pid) => readStat(pid)?.name)).toContain(QEMU_NAME);
      child.kill("SIGKILL");
      await child.exited;
      const deadline = performance.now() + 10_000;
      const alive = (): number[] =>
        tree.filter((pid) => !["Z", undefined].includes(readStat(pid)?.state));
      while (alive().length > 0 && performance.now() < deadline) await Bun.sleep(20);
      expect(alive()).toEqual([]);
    } finally {
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    }
    expect(said).toContain('"nics":[{"interface":"a0","nic":"e1000e","driver":"e1000e"}]');
    expect(said).toContain(`a0 in ${folder}\ncode 7\n`);
    expect(said).toMatch(/^e7\.3 .* a0 .*02:00:00:00:00:b0/m);
    expect(said).toContain("found 0");
    expect(await heard).toContain("heard\n");
    // The folder that the lab's file system covered.
    expect(["/mnt", "/media", "/srv"].flatMap((name) => readdirSync(name))).not.toContain(
      "facts.json",
    );
  },
  300_000,
);

test("a guest's NICs are named with the parameters of their drivers", () => {
  const [nic, other] = parseNics("virtio:napi_tx=0,rtl8139", "--vm");
  expect(nic).toMatchObject({
    name: "virtio:napi_tx=0",
    module: "virtio_net",
    parameters: ["napi_tx=0"],
  });
  expect(other).toMatchObject({ device: "rtl8139", module: "8139cp", parameters: [] });
  for (const text of ["", "ne3000", "e1000:", "e1000:a=b;reboot", "virtio:napi_tx=0,virtio"]) {
    expect(() => parseNics(text, "--vm")).toThrow(Failure);
  }
});

test("what a guest lacks is one sentence", () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-vm-"));
  try {
    expect(() => findParts({ kernel: folder })).toThrow(
      environment(`No guest can be made: ${folder} ${LACKS}`),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.skipIf(Bun.which("cpio") === null)(
  "the first file system is an archive that cpio reads",
  () => {
    const archive = makeInitramfs({
      busybox: new Uint8Array(5),
      modules: [{ name: "e1000e", bytes: new Uint8Array(3) }],
      nics: parseNics("e1000e", "--vm"),
      folder: "/mnt",
      next: ["sh", "it's"],
    });
    const run = Bun.spawnSync(["cpio", "-tv", "--quiet"], { stdin: archive });
    const names = run.stdout
      .toString()
      .trim()
      .split("\n")
      .map((line) => line.split(" ").at(-1));
    expect(names).toEqual([
      ...["bin", "dev", "proc", "sys", "host", "modules"],
      ...["bin/busybox", "modules/e1000e.ko", "init"],
    ]);
  },
);
