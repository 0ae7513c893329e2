// What the files may say, the balancers' own files can hold: the last edge before HAProxy and keepalived refuses nothing
// that was valid here.
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseApp } from "../../../src/inventory/parse-app.ts";
import { parseFleetFile } from "../../../src/inventory/parse-drover.ts";
import { headerViews } from "../../../src/lb/headers.ts";
import { certificateName, cipherList, ipAddress, logTarget, routeHost, routePath } from "../../../src/lb/syntax.ts";
import { interfaceName, vipAddress } from "../../../src/vip/syntax.ts";
import { often } from "../../support/runs.ts";

const SIGNS = "abzAZ09.-_/*:[]+~@ \t\n\"'\\$#%{}()`|;&!,<>=é".split("");

/** Letters that names are made of, and what means something to HAProxy, keepalived, a shell or YAML. */
const hostile = fc.array(fc.constantFrom(...SIGNS), { minLength: 1, maxLength: 12 }).map((parts) => parts.join(""));
const name = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,9}$/);
const any = fc.oneof(
  hostile,
  name,
  fc.constantFrom("*.a.b", "/a/b", "a/b.pem", "eth0", "10.0.0.9/24", "[fd00::1]:514"),
);

/** Quotes, backslashes, `$` and `%` are all right in a header. */
const value = fc.oneof(hostile, fc.stringMatching(/^[!-~]{1,8}( [!-~]{1,8})?$/));

test("routes, headers and paths of an app", () => {
  let accepted = 0;
  fc.assert(
    fc.property(any, value, (one, two) => {
      for (const routes of [[{ lb: "edge", host: one }], [{ lb: "edge", path: one }]]) {
        const headers = { request: { [one]: two, "X-A": two }, response: {} };
        const file = { app: "a", hosts: "a", release: "1", artifact: "a", run: "a", port: 8080, routes };
        const plain = parseApp("a.yaml", JSON.stringify(file)).app;
        for (const route of plain?.routes ?? []) {
          if (route.kind !== "http") continue;
          expect(route.hosts.map(routeHost)).toEqual(route.hosts);
          expect(routePath(route.path)).toBe(route.path === "/" ? "" : route.path);
        }
        const { app } = parseApp("a.yaml", JSON.stringify({ ...file, routes: [], balancing: { headers } }));
        for (const view of headerViews(app?.balancing.headers.request ?? {})) expect(view.value).not.toMatch(/[\r\n]/);
        accepted += app === null ? 0 : 1;
      }
    }),
    { numRuns: often(50) },
  );
  expect(accepted).toBeGreaterThan(10);
});

test("VIPs, certificates, ciphers and log targets of a balancer set", () => {
  let accepted = 0;
  fc.assert(
    fc.property(any, (text) => {
      const tries = [
        { vip: text, virtualRouterId: 1 },
        { vip: "10.0.0.9/24", virtualRouterId: 1, interface: text },
        { certificates: [{ file: text }] },
        { tls: { ciphers: [text] } },
        { log: { target: text } },
        { metrics: { address: text } },
      ];
      for (const fields of tries) {
        const { fields: read } = parseFleetFile(
          "d.yaml",
          JSON.stringify({ loadBalancers: { e: { hosts: "a", ...fields } } }),
        );
        for (const set of Object.values(read.loadBalancers ?? {})) {
          accepted += 1;
          set.vips.map(vipAddress);
          if (set.interface !== null) interfaceName(set.interface);
          set.certificates.map((certificate) => certificateName(certificate.name));
          cipherList(set.settings.tls.ciphers);
          logTarget(set.settings.log.target);
          if (set.settings.metrics !== null) ipAddress(set.settings.metrics.address);
        }
      }
    }),
    { numRuns: often(50) },
  );
  expect(accepted).toBeGreaterThan(10);
});
