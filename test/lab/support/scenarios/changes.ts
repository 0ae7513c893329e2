// Changes of random kinds, one after the other, under load, through the command line alone.
import { expect } from "vitest";
import { expectNoFailures, figures, under } from "../load/pressure.ts";
import type { Seen } from "../load/pressure.ts";
import { appHosts, balancers, expectDrover } from "../shop.ts";
import type { Bench } from "./bench.ts";
import { ADDRESSES, expectSettled, pressure, reloadsOf, requestsOf, statusOf } from "./bench.ts";
import { expectOut } from "./drains.ts";
import { expectAllReady } from "./rollouts.ts";
import { expectShown, renewCertificate } from "./runtime.ts";

const KINDS = [
  "instance added",
  "instance removed",
  "instances moved",
  "route added",
  "route changed",
  "route removed",
  "certificate renewed",
  "server drained",
  "server undrained",
] as const;
type Kind = (typeof KINDS)[number];

/** Numbers from a seed: the same seed, the same changes (mulberry32). */
function dice(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** Makes changes to a fleet and knows what has to hold after each. */
class Changer {
  readonly done: Record<string, number> = {};
  readonly #bench: Bench;
  readonly #roll: (below: number) => number;
  /** The host that is drained, and what its instances had served by then. */
  #drained: { readonly host: string; readonly served: Readonly<Record<string, number>> } | null = null;
  /** Extra host names of the shop with their path. */
  readonly #routes = new Map<string, string>();
  #names = 0;
  #port = 8300;

  constructor(bench: Bench, seed: number) {
    this.#bench = bench;
    this.#roll = dice(seed);
  }

  async change(): Promise<string> {
    const possible = KINDS.filter((kind) => this.#isPossible(kind));
    // The rarest first where there are several: each kind comes about equally often.
    const least = Math.min(...possible.map((kind) => this.done[kind] ?? 0));
    const rare = possible.filter((kind) => (this.done[kind] ?? 0) <= least + 1);
    const kind = rare[this.#roll(rare.length)] ?? "certificate renewed";
    this.done[kind] = (this.done[kind] ?? 0) + 1;
    return `${kind}: ${await this.#make[kind]()}`;
  }

  /** Undrains what is still drained. */
  async end(): Promise<void> {
    if (this.#drained !== null) await this.#undrain();
  }

  #isPossible(kind: Kind): boolean {
    const { hosts } = this.#bench.app("cart");
    switch (kind) {
      case "instance added":
        return hosts.length < appHosts.length;
      // With a host drained the app would fall below its minAvailable, and that is refused.
      case "instance removed":
        return hosts.length === appHosts.length && this.#drained === null;
      case "instances moved":
        return this.#drained === null;
      case "route added":
        return this.#routes.size < 5;
      case "route changed":
      case "route removed":
        return this.#routes.size > 0;
      case "certificate renewed":
        return true;
      case "server drained":
        return this.#drained === null && hosts.length === appHosts.length;
      case "server undrained":
        return this.#drained !== null;
    }
  }

  readonly #make: Readonly<Record<Kind, () => Promise<string>>> = {
    "instance added": () => this.#hosts([...appHosts]),
    "instance removed": () => {
      const gone = appHosts[this.#roll(appHosts.length)];
      return this.#hosts(appHosts.filter((host) => host !== gone));
    },
    "instances moved": () => this.#move(),
    "route added": () => {
      this.#names += 1;
      // Before and after the app's own name: its checks ask with the first one, so that the backend changes or does not.
      return this.#route(`${this.#names % 2 === 0 ? "extra" : "www"}${this.#names}.lab.internal`, "/");
    },
    "route changed": () => {
      const name = this.#anyRoute();
      return this.#route(name, this.#routes.get(name) === "/" ? "/version" : "/");
    },
    "route removed": () => this.#unroute(this.#anyRoute()),
    "certificate renewed": () => this.#renew(),
    "server drained": () => this.#drain(appHosts[this.#roll(appHosts.length)] ?? "app1"),
    "server undrained": () => this.#undrain(),
  };

  async #renew(): Promise<string> {
    const serial = await renewCertificate(this.#bench);
    await this.#apply();
    await expectShown(this.#bench, serial);
    return serial;
  }

  async #move(): Promise<string> {
    // Every time a port that no other app has, and none that an old worker may still know.
    this.#port = this.#port === 8399 ? 8300 : this.#port + 1;
    await this.#bench.write("cart", { port: this.#port });
    await this.#apply();
    return `cart to port ${this.#port}`;
  }

  async #apply(): Promise<void> {
    await expectDrover(this.#bench.lab, 0, "apply", "--yes");
  }

  async #hosts(hosts: readonly string[]): Promise<string> {
    await this.#bench.write("cart", { hosts });
    await this.#apply();
    return `cart on ${hosts.join(", ")}`;
  }

  #anyRoute(): string {
    return [...this.#routes.keys()][this.#roll(this.#routes.size)] ?? "";
  }

  async #write(): Promise<void> {
    const extra = [...this.#routes].map(([name, path]) => `{lb: edge, host: ${name}, path: ${path}, redirect: false}`);
    const [own = ""] = this.#bench.app("shop").routes;
    await this.#bench.write("shop", { routes: [own, ...extra] });
    await this.#apply();
  }

  async #route(name: string, path: string): Promise<string> {
    this.#routes.set(name, path);
    await this.#write();
    for (const address of ADDRESSES) {
      expect(await statusOf(this.#bench, address, `https://${name}/version`), name).toBe("200");
      expect(await statusOf(this.#bench, address, `http://${name}/`), name).toBe(path === "/" ? "200" : "404");
    }
    return `${name}${path}`;
  }

  async #unroute(name: string): Promise<string> {
    this.#routes.delete(name);
    await this.#write();
    for (const address of ADDRESSES) {
      expect(await statusOf(this.#bench, address, `https://${name}/version`), name).toBe("404");
    }
    return name;
  }

  async #drain(host: string): Promise<string> {
    await expectDrover(this.#bench.lab, 0, "drain", host, "-m", "one of many changes");
    await expectOut(this.#bench, host);
    this.#drained = { host, served: await this.#served(host) };
    return host;
  }

  async #served(host: string): Promise<Readonly<Record<string, number>>> {
    const names = ["shop", "pay"].filter((name) => this.#bench.app(name).hosts.includes(host));
    const counts = await Promise.all(names.map((name) => requestsOf(this.#bench, name, host)));
    return Object.fromEntries(names.map((name, index) => [name, counts[index] ?? 0]));
  }

  async #undrain(): Promise<string> {
    if (this.#drained === null) throw new Error("nothing is drained");
    const { host, served } = this.#drained;
    expect(await this.#served(host), `requests that reached ${host} while it was drained`).toEqual(served);
    await expectDrover(this.#bench.lab, 0, "undrain", host);
    this.#drained = null;
    await expectAllReady(this.#bench);
    return host;
  }
}

/** What the changes were, and what the load saw. */
export interface Changed {
  readonly seen: Seen;
  readonly kinds: Readonly<Record<string, number>>;
}

/**
 * `count` changes under load: 0 failed requests, over HTTP/2 refused streams only. At the end both balancers' files are
 * the bytes of a fresh render, what they run is what is on disk, and there is nothing left to do.
 */
export async function manyChanges(
  bench: Bench,
  options: { readonly count: number; readonly rate: number; readonly seed: number },
): Promise<Changed> {
  const { count, rate, seed } = options;
  console.log(`${count} changes with seed ${seed} (DROVER_SEED=${seed} makes the same ones)`);
  const changer = new Changer(bench, seed);
  const before = bench.app("shop");
  const reloads = (): Promise<readonly number[]> =>
    Promise.all(balancers.map((balancer) => reloadsOf(bench.lab, balancer)));
  const was = await reloads();
  const { seen } = await under(pressure(bench, rate), async () => {
    for (let index = 0; index < count; index += 1) {
      const began = Date.now();
      const what = await changer.change();
      console.log(`  ${index + 1}/${count} ${what} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    }
    await changer.end();
  });
  expectNoFailures(seen, true);
  await expectSettled(bench.lab);
  const spent = (await reloads()).map((now, index) => now - (was[index] ?? 0));
  const kinds = Object.entries(changer.done).map(([kind, times]) => `${times} × ${kind}`);
  console.log(`${count} changes (${kinds.join(", ")}), reloads ${spent.join(" and ")}: ${figures(seen)}`);
  await bench.write("shop", { routes: before.routes });
  await bench.write("cart", { hosts: appHosts });
  await expectDrover(bench.lab, 0, "apply", "--yes");
  return { seen, kinds: changer.done };
}

/** The seed of a run: DROVER_SEED, or the clock. */
export function seedOfRun(): number {
  return Number(process.env["DROVER_SEED"] ?? Date.now() % 1_000_000);
}
