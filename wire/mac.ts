// A MAC address as one number: the six octets read big-endian, 0 … 2^48 − 1.
// A number compares with ===, keys a Map and never allocates; a string is for people only.

/** An Ethernet address: its six octets read big-endian. */
export type Mac = number;

export const BROADCAST: Mac = 0xffff_ffff_ffff;

/** The address at `offset`, first octet most significant. */
export function readMac(view: DataView, offset: number): Mac {
  return view.getUint16(offset) * 0x1_0000_0000 + view.getUint32(offset + 2);
}

/** The higher half is small enough to be cut by `| 0`, which is cheaper than Math.floor. */
export function writeMac(view: DataView, offset: number, mac: Mac): void {
  view.setUint16(offset, (mac / 0x1_0000_0000) | 0);
  view.setUint32(offset + 2, mac >>> 0);
}

/** Broadcast and multicast addresses: the lowest bit of the first octet is set. */
export function isGroup(mac: Mac): boolean {
  return (Math.floor(mac / 0x100_0000_0000) & 1) === 1;
}

/** `00:04:cf:00:00:01`. */
export function formatMac(mac: Mac): string {
  const hex = mac.toString(16).padStart(12, "0");
  return hex.match(/../g)?.join(":") ?? hex;
}

const SPELLED = /^[0-9a-f]{2}([:-]?)(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i;

/** The address that `text` spells with colons, hyphens or nothing between octets, or null. */
export function parseMac(text: string): Mac | null {
  return SPELLED.test(text) ? Number.parseInt(text.replace(/[:-]/g, ""), 16) : null;
}
