import type { DiscoveryAction } from "../model/discovery.ts";
import { DroverError } from "../model/errors.ts";
import type { Operation } from "../model/operation.ts";
import { failed } from "../model/operation.ts";
import { publishAddresses } from "./operations/addresses.ts";
import { adopt } from "./operations/adopt.ts";
import { forget } from "./operations/forget.ts";
import { publish, withdraw } from "./operations/services.ts";

/** How each action on a zone's records is carried out. */
export function* operateDiscovery(action: DiscoveryAction): Operation {
  try {
    return yield* start(action);
  } catch (error) {
    // Names that are none are thrown where they are made.
    if (error instanceof DroverError) return failed(error.failure);
    throw error;
  }
}

function start(action: DiscoveryAction): Operation {
  switch (action.kind) {
    case "dns.publish":
      return publish(action);
    case "dns.withdraw":
      return withdraw(action);
    case "dns.addresses":
      return publishAddresses(action);
    case "dns.forget":
      return forget(action);
    case "dns.adopt":
      return adopt(action);
  }
}
