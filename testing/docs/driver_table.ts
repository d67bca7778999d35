// The table of docs/drivers.md: the transmit buffers that the Linux aoe driver takes beyond those
// of its frames, over each driver that a guest can have. Needs what `aoe lab --vm` needs, and fio.
//
//   bun testing/docs/driver_table.ts [NIC…]     a row for each, a minute or more without KVM

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { makeScratch } from "../../bench/machine/scratch.ts";
import { AOE } from "../../lab/programs.ts";

const NICS = [
  ...["virtio:napi_tx=1", "virtio:napi_tx=0", "e1000", "e1000e"],
  ...["rtl8139", "pcnet", "vmxnet3", "e100"],
];

const DEPTH = 16;
const DEVICE = "/dev/etherd/e7.3";

const GUEST = `
echo > /dev/etherd/discover
until [ -b ${DEVICE} ]; do sleep 0.2; done
fio --name=reads --filename=${DEVICE} --rw=randread --bs=512 --direct=1 --ioengine=libaio \\
  --iodepth=${DEPTH} --runtime=10 --time_based >/dev/null
cat /sys/kernel/debug/aoe/e7.3`;

const LAB = `
cat "$AOE_LAB_GUEST/facts.json"; echo
aoe target 7 3 $AOE_LAB_B "$IMAGE" 2>/dev/null & target=$!
aoe lab guest sh -c "$GUEST"
kill $target; wait $target`;

const scratch = makeScratch("drivers");
const image = join(scratch.folder, "disk.img");
writeFileSync(image, new Uint8Array(4 << 20));

const asked = process.argv.slice(2);
console.log("| NIC | driver | nskbpool | kicks | reads | kernel | accelerator |");
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const nic of asked.length > 0 ? asked : NICS) {
  const words = [AOE, "lab", "--vm", nic, "--module", "aoe", "--", "sh", "-c", LAB];
  const run = Bun.spawnSync([process.execPath, ...words], {
    env: { ...process.env, IMAGE: image, GUEST },
    stderr: "inherit",
  });
  const said = run.stdout.toString();
  const figure = (pattern: RegExp): string => pattern.exec(said)?.[1] ?? "?";
  const cells = [
    `\`${nic}\``,
    figure(/"driver":"([^"]+)"/),
    figure(/^nskbpool: (\d+)/m),
    figure(/^kicked: (\d+)/m),
    figure(/^\tr:(\d+)/m),
    figure(/"kernel":"([^"]+)"/),
    figure(/"accelerator":"([^"]+)"/),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
