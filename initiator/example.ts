// The example of docs/initiator.md: finds every device on an interface, then copies the first one's boot sector
// to its last, reads it back, and compares the two.
//
//   bun example.ts eth1 [e7.3]

import { DeviceError, openInitiator } from "aoe";

const [name = "eth1", address] = process.argv.slice(2);
await using initiator = await openInitiator({ interface: name, onNotice: console.error });

for (const device of await initiator.discover({ wait: "300ms" })) {
  console.log(`${device.address} ${device.bytes} bytes, ${device.identity.model}`);
}

if (address !== undefined) {
  const device = await initiator.device(address);
  const sector = await device.read(0, 1);
  const last = device.sectors - 1;
  await device.write(last, sector);
  await device.flush();
  // Into memory of the caller, for at most a second.
  const copy = await device.read(last, new Uint8Array(512), { signal: AbortSignal.timeout(1000) });
  console.log(
    `sector ${last} ${Buffer.from(copy).equals(sector) ? "equals" : "differs from"} sector 0`,
  );
  try {
    await device.read(device.sectors, 1);
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    console.log(`${error.kind}: ${error.message}`);
  }
}
