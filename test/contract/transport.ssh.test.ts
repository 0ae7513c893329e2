import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createSshTransport } from "../../src/ssh/transport.ts";
import { startSshd } from "./support/sshd.ts";
import { transportContract } from "./transport.contract.ts";

for (const [name, change] of [
  ["as root", {}],
  ["by sudo", { user: "drover", become: "sudo" }],
] as const) {
  transportContract(`the transport to a real sshd, ${name}`, async () => {
    const sshd = await startSshd();
    mkdirSync(join(sshd.directory, "data"));
    return {
      transport: () => createSshTransport(sshd.options(change)),
      folder: join(sshd.directory, "data"),
      smallDisk: join(sshd.directory, "small"),
      connections: () => sshd.connections(),
      cutOff: () => sshd.stop(),
      stop: () => sshd.stop(),
    };
  });
}
