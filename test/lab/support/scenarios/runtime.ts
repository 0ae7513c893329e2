// What needs no reload, and is on disk all the same (test 15).
import { expect } from "vitest";
import { until } from "../lab.ts";
import { serialOf, serialShown } from "../load/certificates.ts";
import { expectNoFailures, figures, under } from "../load/pressure.ts";
import { balancers, expectDrover } from "../shop.ts";
import type { Bench } from "./bench.ts";
import { ADDRESSES, expectSettled, pressure, reloadsOf, statusOf } from "./bench.ts";

/** Writes a new certificate for all names of the lab into the fleet; its serial number. */
export async function renewCertificate({ authority }: Bench): Promise<string> {
  return await serialOf(await authority.issue("lab", ["shop.lab.internal", "*.lab.internal"]));
}

/** Every balancer shows the certificate with this serial number. */
export async function expectShown({ lab }: Bench, serial: string): Promise<void> {
  for (const address of ADDRESSES) expect(await serialShown(lab, address, "shop.lab.internal"), address).toBe(serial);
}

/** 15: a certificate renewed and a map changed at runtime; a reload changes nothing, a second apply has nothing to do. */
export async function atRuntime(bench: Bench): Promise<void> {
  const { lab } = bench;
  const before = bench.app("shop");
  const reloads = (): Promise<readonly number[]> => Promise.all(balancers.map((balancer) => reloadsOf(lab, balancer)));
  const was = await reloads();
  const serial = await renewCertificate(bench);
  // After the others in the alphabet: an app's checks ask with its first host name.
  await bench.write("shop", { routes: [...before.routes, "{lb: edge, host: www.lab.internal, redirect: false}"] });
  const expectServed = async (): Promise<void> => {
    await expectShown(bench, serial);
    for (const address of ADDRESSES) {
      expect(await statusOf(bench, address, "https://www.lab.internal/")).toBe("200");
      expect(await statusOf(bench, address, "http://www.lab.internal/")).toBe("200");
    }
  };
  const planned = await expectDrover(lab, 2, "plan");
  expect(planned).toContain("runtime");
  const atOnce = await under(pressure(bench), () => expectDrover(lab, 0, "apply", "--yes"));
  expect(await reloads(), planned).toEqual(was);
  expectNoFailures(atOnce.seen, false);
  await expectServed();
  const reloaded = await under(pressure(bench), async () => {
    for (const balancer of balancers) {
      const count = await reloadsOf(lab, balancer);
      await lab.exec(balancer, ["systemctl", "reload", "haproxy"]);
      await until(`${balancer} has reloaded`, async () => (await reloadsOf(lab, balancer)) > count);
    }
  });
  expectNoFailures(reloaded.seen, true);
  await expectServed();
  await expectSettled(lab);
  await bench.write("shop", before);
  await expectDrover(lab, 0, "apply", "--yes");
  console.log(
    `15 certificate and route at runtime, 0 reloads: ${figures(atOnce.seen)}; then a reload: ${figures(reloaded.seen)}`,
  );
}
