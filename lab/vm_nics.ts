// The NICs that a guest can have: what QEMU calls the device, and which Linux module drives it. All
// of these drivers are those of real hardware, or of a cloud's or hypervisor's NIC.

import { expected, usage } from "../words/failure.ts";

interface Nic {
  /** QEMU's device. */
  readonly device: string;
  /** Linux's module. */
  readonly module: string;
}

const NICS: Readonly<Record<string, Nic>> = {
  virtio: { device: "virtio-net-pci", module: "virtio_net" },
  e1000: { device: "e1000", module: "e1000" },
  e1000e: { device: "e1000e", module: "e1000e" },
  // The revision that QEMU has is the 8139C+, which 8139too leaves to 8139cp.
  rtl8139: { device: "rtl8139", module: "8139cp" },
  pcnet: { device: "pcnet", module: "pcnet32" },
  vmxnet3: { device: "vmxnet3", module: "vmxnet3" },
  e100: { device: "i82559er", module: "e100" },
};

/** Most that have a slot in the guest's PCI bus and a pair of names. */
const MOST = 8;

export interface GuestNic extends Nic {
  /** As it was asked for: e1000e, virtio:napi_tx=0. */
  readonly name: string;
  /** For the module: napi_tx=0. */
  readonly parameters: readonly string[];
}

/** `e1000e`, `virtio:napi_tx=0`, `e1000,rtl8139`: NICs, each with parameters for its module. */
export function parseNics(text: string, what: string): GuestNic[] {
  const nics = text.split(",").map((name): GuestNic => {
    const [key = "", ...parameters] = name.split(":");
    const nic = Object.hasOwn(NICS, key) ? NICS[key] : undefined;
    if (nic === undefined || parameters.some((word) => !/^\w+=[\w,]+$/.test(word))) {
      const rule = `a list of ${Object.keys(NICS).join(", ")}, each with its driver's parameters`;
      throw expected(what, rule, text);
    }
    return { ...nic, name, parameters };
  });
  if (nics.length > MOST) throw expected(what, `at most ${MOST} NICs`, text);
  const parametersOf = new Map<string, string>();
  for (const { module, parameters } of nics) {
    const words = parameters.join(" ");
    if ((parametersOf.get(module) ?? words) !== words) {
      throw usage(`A driver is loaded once, so every NIC of \`${module}\` has the same parameters`);
    }
    parametersOf.set(module, words);
  }
  return nics;
}
