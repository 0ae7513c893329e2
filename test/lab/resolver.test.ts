// A real host learns where a zone is answered: first with a plain resolv.conf, then with systemd-resolved.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { lab } from "./support/lab.ts";
import {
  HOST,
  MODEL,
  OURS,
  PLAIN,
  raiseResolver,
  ROUTED,
  THEIRS,
  ZONE,
  type ResolverBench,
} from "./support/resolver.ts";
import { cutAnywhere } from "./support/scenarios/resolver-cuts.ts";

const real = lab("test-resolver");
let bench: ResolverBench;

/** What programs find: getent, and Python's getaddrinfo. */
async function found(name: string): Promise<readonly string[]> {
  const python = `import socket; print(socket.getaddrinfo("${name}", 80, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])`;
  const said = await bench.sh(
    HOST,
    `getent ahostsv4 ${name} | head -n 1 | cut -d' ' -f1; python3 -c '${python}' 2>/dev/null; true`,
  );
  return said.split("\n").filter((line) => line !== "");
}

/** The SRV record as resolv.conf says, by dig. */
const srv = (): Promise<string> => bench.sh(HOST, `dig +short +time=1 +tries=1 _orders._tcp.${ZONE} SRV; true`);

beforeAll(async () => {
  bench = await raiseResolver(real);
}, 240_000);

afterAll(async () => {
  await real.down();
});

describe("a plain resolv.conf", () => {
  let before = "";

  beforeEach(async () => {
    before = await bench.plain();
  });

  test("gets the fleet's servers first, keeps all else, and is back byte for byte", async () => {
    expect(await found(`app2.${ZONE}`)).toEqual([]);
    expect(await bench.diff()).toMatchObject({ kind: "install" });
    expect(await bench.install()).toEqual({ kind: "done", note: `names of ${ZONE} resolve` });
    expect(await bench.sh(HOST, "cat /etc/resolv.conf; stat -c '%a %U:%G' /etc/resolv.conf")).toBe(
      `# Written by drover: the fleet's own DNS servers first, for names of ${ZONE}.
# of the provider
search lab.internal example.test
nameserver ${OURS}
nameserver ${THEIRS}
options ndots:1 edns0 timeout:1 attempts:2
664 root:adm
`,
    );
    expect(await found(`app2.${ZONE}`)).toEqual(["192.168.56.22", "192.168.56.22"]);
    expect(await found("www.elsewhere.test")).toEqual(["192.0.2.80", "192.0.2.80"]);
    expect(await srv()).toBe(`0 1 8080 app2.${ZONE}.\n`);
    expect(await bench.diff()).toEqual({ kind: "same" });
    expect(await bench.install()).toEqual({ kind: "done", note: "unchanged" });
    expect(await bench.diff(null)).toMatchObject({ kind: "remove" });
    expect(await bench.restore()).toMatchObject({ kind: "done" });
    expect(await bench.state()).toBe(before);
    expect(await bench.diff(null)).toEqual({ kind: "same" });
  });

  test("a server that is dead, does not know the zone, or answers for it alone: refused, nothing changed", async () => {
    for (const [address, code, says] of [
      ["192.168.56.21", "dns-unreachable", "192.168.56.21 does not answer"],
      ["192.168.56.99", "dns-unreachable", "192.168.56.99 does not answer"],
      [THEIRS, "dns-answer", `${THEIRS} does not know ${ZONE} there (REFUSED)`],
    ] as const) {
      const outcome = await bench.install({ ...MODEL, servers: [OURS, address] });
      expect(outcome).toMatchObject({ kind: "failed", failure: { code, message: expect.stringContaining(says) } });
      expect(await bench.state()).toBe(before);
    }
    const elsewhere = { ...MODEL, zone: "elsewhere.test", servers: [THEIRS] };
    expect(await bench.install(elsewhere)).toMatchObject({
      kind: "failed",
      failure: { code: "dns-answer", message: expect.stringContaining("answers for no other names") },
    });
    expect(await bench.install({ ...MODEL, recursive: false })).toMatchObject({ failure: { code: "resolver" } });
    expect(await bench.state()).toBe(before);
  });

  test("names that do not resolve in the end put everything back", async () => {
    await bench.sh(HOST, "sed -i.test 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf");
    try {
      expect(await bench.install()).toMatchObject({
        kind: "failed",
        failure: { code: "resolver", message: expect.stringContaining("the previous one is back") },
      });
    } finally {
      await bench.sh(HOST, "mv /etc/nsswitch.conf.test /etc/nsswitch.conf");
    }
    expect(await bench.state()).toBe(before);
  });

  test("a change by hand is drift and put right; a file that another program put there is a new original", async () => {
    await bench.install();
    await bench.sh(HOST, "echo 'nameserver 192.0.2.1' >> /etc/resolv.conf");
    expect(await bench.diff()).toEqual({ kind: "install", reasons: ["/etc/resolv.conf was changed by hand"] });
    expect(await bench.install()).toMatchObject({ kind: "done" });
    expect(await bench.diff()).toEqual({ kind: "same" });
    await bench.sh(HOST, `echo 'nameserver ${OURS}' > /etc/resolv.conf; chmod 600 /etc/resolv.conf`);
    const theirs = await bench.sh(HOST, "stat -c '%a %u:%g' /etc/resolv.conf; cat /etc/resolv.conf");
    expect(await bench.diff()).toMatchObject({
      reasons: ["/etc/resolv.conf was replaced by another program or by hand"],
    });
    expect(await bench.install()).toMatchObject({ kind: "done" });
    expect(await bench.restore()).toMatchObject({ kind: "done" });
    expect(await bench.sh(HOST, "stat -c '%a %u:%g' /etc/resolv.conf; cat /etc/resolv.conf")).toBe(theirs);
  });

  test("a symlink of another program, and a file that is mounted over, are left alone", async () => {
    await bench.sh(
      HOST,
      "mkdir -p /run/other; mv /etc/resolv.conf /run/other/resolv.conf; ln -s /run/other/resolv.conf /etc/",
    );
    const linked = await bench.state();
    expect(await bench.diff()).toMatchObject({ kind: "refused", failure: { code: "resolver" } });
    expect(await bench.install()).toMatchObject({
      failure: { code: "resolver", hint: expect.stringContaining("dns: {resolver: false}") },
    });
    expect(await bench.state()).toBe(linked);
    await bench.sh(
      HOST,
      "rm /etc/resolv.conf; : > /etc/resolv.conf; mount --bind /run/other/resolv.conf /etc/resolv.conf",
    );
    const mounted = await bench.state();
    try {
      expect(await bench.install()).toMatchObject({
        failure: { code: "resolver", message: expect.stringContaining("cannot be replaced") },
      });
      expect(await bench.state()).toBe(mounted);
    } finally {
      await bench.sh(HOST, "umount /etc/resolv.conf");
    }
  });

  test("none at all is written, and gone again afterwards", async () => {
    await bench.sh(HOST, "rm /etc/resolv.conf");
    expect(await bench.install()).toMatchObject({ kind: "done" });
    expect(await found(`app2.${ZONE}`)).toHaveLength(2);
    expect(await bench.restore()).toMatchObject({ kind: "done" });
    expect(await bench.sh(HOST, "ls /etc/resolv.conf* 2>/dev/null; true")).toBe("");
  });

  test("killed before a write, the next run ends it, and the way back is the same", async () => {
    await expect(cutAnywhere(bench, "plain", "some")).resolves.toBeUndefined();
  });

  test("a full disk stops it before anything is changed, and does not keep it from going back", async () => {
    await bench.sh(HOST, "mkdir -p /var/lib/drover; mount -t tmpfs -o size=64k tmpfs /var/lib/drover");
    const fill = "head -c 1m /dev/zero > /var/lib/drover/fill 2>/dev/null; true";
    try {
      await bench.sh(HOST, `mkdir -p /var/lib/drover/manifest; echo '1 test' > /var/lib/drover/epoch; ${fill}`);
      expect(await bench.install()).toMatchObject({ kind: "failed", failure: { code: "disk-full" } });
      expect(await bench.sh(HOST, "cat /etc/resolv.conf")).toBe(PLAIN);
      await bench.sh(HOST, "rm /var/lib/drover/fill");
      expect(await bench.install()).toMatchObject({ kind: "done" });
      await bench.sh(HOST, fill);
      expect(await bench.restore()).toMatchObject({ kind: "done" });
      expect(await bench.sh(HOST, "cat /etc/resolv.conf; stat -c '%a %U:%G' /etc/resolv.conf")).toBe(
        `${PLAIN}664 root:adm\n`,
      );
    } finally {
      await bench.sh(HOST, "umount /var/lib/drover");
    }
  });
});

describe("systemd-resolved", () => {
  let before = "";

  beforeEach(async () => {
    before = await bench.resolved();
  });

  test("is told of the zone alone, and forgets it again", async () => {
    await bench.sh(HOST, `resolvectl dns eth0 ${THEIRS}`);
    expect(await found("www.elsewhere.test")).toEqual(["192.0.2.80", "192.0.2.80"]);
    expect(await bench.install(ROUTED)).toEqual({ kind: "done", note: `names of ${ZONE} resolve` });
    expect(await bench.diff(ROUTED)).toEqual({ kind: "same" });
    expect(await found(`app2.${ZONE}`)).toEqual(["192.168.56.22", "192.168.56.22"]);
    expect(await found("www.elsewhere.test")).toEqual(["192.0.2.80", "192.0.2.80"]);
    expect(await srv()).toBe(`0 1 8080 app2.${ZONE}.\n`);
    const pid = await bench.sh(HOST, "systemctl show -p MainPID systemd-resolved");
    expect(await bench.install(ROUTED)).toEqual({ kind: "done", note: "unchanged" });
    expect(await bench.sh(HOST, "systemctl show -p MainPID systemd-resolved")).toBe(pid);
    expect(await bench.restore()).toMatchObject({ kind: "done" });
    expect(await bench.state()).toBe(before);
    expect(await srv()).toBe("");
  });

  test("a drop-in changed by hand is drift; a dead server changes nothing; its own servers for all names refuse it", async () => {
    expect(await bench.install({ ...ROUTED, servers: ["192.168.56.99"] })).toMatchObject({
      failure: { code: "dns-unreachable" },
    });
    expect(await bench.state()).toBe(before);
    await bench.install(ROUTED);
    await bench.sh(HOST, "echo '# mine' >> /etc/systemd/resolved.conf.d/drover.conf");
    expect(await bench.diff(ROUTED)).toEqual({
      kind: "install",
      reasons: ["systemd-resolved's drop-in was changed by hand"],
    });
    expect(await bench.restore(ROUTED)).toMatchObject({ kind: "done" });
    expect(await bench.diff(ROUTED)).toEqual({ kind: "same" });
    await bench.sh(HOST, "printf '[Resolve]\\nDNS=192.0.2.1\\n' > /etc/systemd/resolved.conf.d/mine.conf");
    expect(await bench.diff(ROUTED)).toMatchObject({
      kind: "refused",
      failure: { message: expect.stringContaining("192.0.2.1") },
    });
    await bench.sh(HOST, "rm /etc/systemd/resolved.conf.d/mine.conf");
    expect(await bench.restore()).toMatchObject({ kind: "done" });
    expect(await bench.state()).toBe(before);
  });

  test("killed before a write, the next run ends it", async () => {
    await expect(cutAnywhere(bench, "resolved", "some")).resolves.toBeUndefined();
  });
});
