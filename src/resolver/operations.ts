import { DroverError, failure } from "../model/errors.ts";
import { failed } from "../model/operation.ts";
import type { Operation } from "../model/operation.ts";
import type { ResolverAction } from "../model/resolver.ts";

/** How an action on a host's way of resolving names is carried out. */
export function* operateResolver(action: ResolverAction): Operation {
  try {
    return yield* start(action);
  } catch (error) {
    if (error instanceof DroverError) return failed(error.failure);
    throw error;
  }
}

function start(action: ResolverAction): Operation {
  switch (action.kind) {
    case "resolver.install":
    case "resolver.restore":
      throw new DroverError(failure("bug", "not written yet"));
  }
}
