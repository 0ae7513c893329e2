import type { ServiceLedger } from "../../src/model/discovery.ts";
import { DroverError, failure } from "../../src/model/errors.ts";
import type { FirewallLedger } from "../../src/model/firewall.ts";
import type { Clock, Holder, HostDrain, Lease, Store } from "../../src/model/ports.ts";

/** The store in memory; its state outlives every lease, as a state host's disk does. */
export class FakeStore implements Store {
  readonly clock: Clock;
  readonly journals: Map<string, string[]> = new Map();
  readonly open: Map<string, string> = new Map();
  readonly drains: Map<string, HostDrain> = new Map();
  ledger: FirewallLedger | null = null;
  services: ServiceLedger | null = null;
  epoch = 0;
  fingerprintKey: string | null = null;
  #holder: { readonly who: Holder; readonly lost: AbortController } | null = null;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  readonly fact: Store["fact"] = {
    name: "state",
    text: ":",
    // The state is here, not on a host: whatever a fake host prints for it does not matter.
    parse: () => ({
      fingerprintKey: this.fingerprintKey,
      open: Object.fromEntries(this.open),
      drains: Object.fromEntries(this.drains),
      ledger: this.ledger,
      services: this.services,
      holder: this.#holder?.who ?? null,
      epoch: this.epoch,
    }),
  };

  acquire: Store["acquire"] = (who) => {
    if (this.#holder !== null) return Promise.resolve({ kind: "busy", holder: this.#holder.who });
    this.epoch += 1;
    this.fingerprintKey ??= "5eed".repeat(16);
    const held = { who: { ...who, since: new Date(this.clock.now()).toISOString() }, lost: new AbortController() };
    this.#holder = held;
    return Promise.resolve({ kind: "held", lease: this.#lease(held, this.epoch, this.fingerprintKey) });
  };

  read: Store["read"] = (rollout) => Promise.resolve([...(this.journals.get(rollout) ?? [])]);

  /** The holder is gone, as after kill -9 or a partition: the lease is free, and lost to whoever had it. */
  lose(): void {
    this.#holder?.lost.abort();
    this.#holder = null;
  }

  #lease(held: { readonly who: Holder; readonly lost: AbortController }, epoch: number, fingerprintKey: string): Lease {
    const must = (change: () => void): Promise<void> => {
      if (this.#holder !== held) return Promise.reject(new DroverError(failure("lease-lost", "the lease was lost")));
      change();
      return Promise.resolve();
    };
    return {
      epoch,
      run: held.who.run,
      fingerprintKey,
      lost: held.lost.signal,
      append: (rollout, lines) =>
        must(() => void this.journals.set(rollout, [...(this.journals.get(rollout) ?? []), ...lines])),
      setOpen: (app, rollout) =>
        must(() => {
          if (rollout === null) this.open.delete(app);
          else this.open.set(app, rollout);
        }),
      setDrain: (host, drain) =>
        must(() => {
          if (drain === null) this.drains.delete(host);
          else this.drains.set(host, drain);
        }),
      setLedger: (ledger) =>
        must(() => {
          this.ledger = ledger;
        }),
      setServices: (services) =>
        must(() => {
          this.services = services;
        }),
      release: () => {
        if (this.#holder === held) this.#holder = null;
        return Promise.resolve();
      },
    };
  }
}
