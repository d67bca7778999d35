// One-slot transmit rings, kept for the life of the process. Making one waits for an RCU grace period in
// setsockopt (8 to 16 ms measured, and nothing else runs meanwhile), closing one for two; moving one to
// another interface takes 30 µs. So a link that closes puts its slots here, and the next one, in the
// next trial of a bench or the next test, takes them.
//
// Slots that the kernel still holds are never kept: they are closed, and live until their frame ends.

import { allOrNothing } from "../sys/all_or_nothing.ts";
import { closeMany } from "../sys/close_many.ts";
import { type Mapping, PAGE_BYTES } from "../sys/memory.ts";
import { addTransmitSlot, TRANSMIT_AT } from "../sys/packet_ring.ts";
import { openPacketSocket, type PacketSocket } from "../sys/packet_socket.ts";
import { Failure } from "../words/failure.ts";

const SEND_BUFFER_BYTES = 1 << 20;
/** More than this are closed: twice the largest pool of the issue. */
const MOST = 512;

export interface TransmitSlot {
  readonly socket: PacketSocket;
  /** Status and length, then the frame at TRANSMIT_AT. */
  readonly memory: Mapping;
}

/** Idle slots by the pages they have. */
const stock = new Map<number, TransmitSlot[]>();
let kept = 0;
let closesAtExit = false;

/**
 * A slot for a frame of `frameBytes` that transmits through interface `index`; its status is AVAILABLE.
 * null: the kernel has no more descriptors or memory.
 */
export function takeSlot(frameBytes: number, index: number): TransmitSlot | null {
  const pages = Math.ceil((TRANSMIT_AT + frameBytes) / PAGE_BYTES);
  const idle = stock.get(pages)?.pop();
  if (idle !== undefined) kept--;
  try {
    return allOrNothing((undo) => {
      const slot = idle ?? makeSlot(frameBytes);
      undo(() => closeSlots([slot]));
      slot.socket.bind(index, 0);
      return slot;
    });
  } catch (error) {
    // What a driver's failed allocation is; anything but a refusal by the kernel is a fault of ours.
    if (error instanceof Failure) return null;
    throw error;
  }
}

function makeSlot(frameBytes: number): TransmitSlot {
  return allOrNothing((undo) => {
    const socket = openPacketSocket();
    undo(() => socket.close());
    socket.growSendBuffer(SEND_BUFFER_BYTES);
    return { socket, memory: addTransmitSlot(socket, frameBytes) };
  });
}

/** Takes back slots that nobody holds. */
export function returnSlots(slots: readonly TransmitSlot[]): void {
  if (!closesAtExit) {
    closesAtExit = true;
    // The kernel would close them one by one, seconds for hundreds.
    process.on("exit", () => closeSlots([...stock.values()].flat()));
  }
  const surplus: TransmitSlot[] = [];
  for (const slot of slots) {
    if (kept === MOST) {
      surplus.push(slot);
      continue;
    }
    kept++;
    const pages = slot.memory.bytes.length / PAGE_BYTES;
    const list = stock.get(pages);
    if (list === undefined) stock.set(pages, [slot]);
    else list.push(slot);
  }
  closeSlots(surplus);
}

/** Closes slots for good, held or not. */
export function closeSlots(slots: readonly TransmitSlot[]): void {
  for (const { memory } of slots) memory.unmap();
  closeMany(slots.map(({ socket }) => socket.fd));
}
