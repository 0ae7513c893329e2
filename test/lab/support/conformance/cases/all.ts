import type { Case } from "../case.ts";
import { CHANGES } from "./changes.ts";
import { FLEET } from "./fleet.ts";
import { ISOLATION } from "./isolation.ts";
import { MACHINES } from "./machines.ts";
import { PEERS } from "./peers.ts";
import { PORTS } from "./ports.ts";
import { STREAMS } from "./streams.ts";
import { WATCHING } from "./watching.ts";

/** Every case of the suite. */
export const CASES: readonly Case[] = [
  ...ISOLATION,
  ...PEERS,
  ...PORTS,
  ...FLEET,
  ...WATCHING,
  ...MACHINES,
  ...CHANGES,
  ...STREAMS,
];
