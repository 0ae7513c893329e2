import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { PERL_CONFIG } from "../../../src/lb/perl-config.ts";
import { PERL_RELOAD } from "../../../src/lb/perl-reload.ts";

const hasPerl = spawnSync("perl", ["-e", "1"]).status === 0;
if (!hasPerl) console.log("not run: what a reload keeps of followed servers (perl is not installed here)");

const SRV = "_billing._tcp.svc.test";
const CONFIG = `backend billing\n    server-template billing 3 ${SRV} check\nbackend drover_seen_billing\n    server-template seen 4 ${SRV}\n`;

function row(backend: string, server: string, target: string | null, mask = 64): string {
  const [address, host] = target === null ? ["-", "-"] : ["192.0.2.1", `${target}.svc.test`];
  return `3 ${backend} 1 ${server} ${address} 2 ${String(mask)} 1 1 4 6 3 4 6 0 0 0 ${host} 9000 ${SRV} 0 0 - - 0\n`;
}

/** What the host's script writes into the state file and asks of systemd, when HAProxy has these rows after its reload. */
function reloaded(rows: readonly string[]): string {
  const stubs = `
    no warnings "redefine";
    *ask = sub { return $ENV{ROWS} }; *nap = sub { };
    *processes = sub { return { reloads => 1, failed => 0, pid => 7 } };
    *came_up = sub { return 8 };
    *systemctl = sub { print "systemctl @_\\n"; return 1 };
    *write_state = sub { print grep { /billing/ } split /^/, $_[0] };
    print "pid ", without_gone($ENV{CONFIG}, 7), "\\n";`;
  const script = `use strict; use warnings; use Time::HiRes qw(time); sub ask; sub nap; sub insist;\n${PERL_CONFIG}${PERL_RELOAD}${stubs}`;
  const env = { ...process.env, CONFIG, ROWS: rows.join("") };
  const { stdout, stderr } = spawnSync("perl", ["-e", script], { encoding: "utf8", env });
  expect(stderr).toBe("");
  return stdout;
}

test.skipIf(!hasPerl)("who left DNS while HAProxy reloaded is left out by another reload, and nobody else", () => {
  const kept = row("billing", "billing1", "vm1");
  const gone = row("billing", "billing2", "vm2", 0);
  const free = row("billing", "billing3", null, 32);
  const seen = [row("drover_seen_billing", "seen1", "vm1"), row("drover_seen_billing", "seen2", null, 32)];
  expect(reloaded([kept, gone, free, ...seen])).toBe(`${kept}systemctl reload haproxy\npid 8\n`);
  expect(reloaded([kept, free, ...seen])).toBe("pid 7\n");
});

test.skipIf(!hasPerl)("where DNS is silent, or names more than there are places for, all stay", () => {
  const kept = [row("billing", "billing1", "vm1"), row("billing", "billing2", "vm2")];
  expect(reloaded([...kept, row("drover_seen_billing", "seen1", null, 32)])).toBe("pid 7\n");
  expect(reloaded([...kept, row("drover_seen_billing", "seen1", "vm9")])).toBe("pid 7\n");
});
