// What `aoe bench peers` does unless told: the whole table, in an hour and a half.

export const PEERS_DEFAULTS = {
  parts: "cells,one-cpu,load,idle",
  arms: "ours,vblade,vblade-default,echo-socket,echo-ring",
  bs: "512,1k,4k,8k",
  iodepth: "1,16,64",
  rw: "read,write",
  rounds: "5",
  runtime: "400ms",
  warmUp: "4s",
  mtu: "9000",
  imageSize: "64m",
  seed: "1",
} as const;
