import { FakeFleet, createFakeTransport } from "../fake/transport.ts";
import { addTestCommands } from "../fake/test-commands.ts";
import { systemClock } from "../../src/store/clock.ts";
import { transportContract } from "./transport.contract.ts";

transportContract("the transport to the fleet in memory", () => {
  const fleet = new FakeFleet(["box"], systemClock);
  addTestCommands(fleet);
  const box = fleet.host("box");
  box.diskSize = 10_000_000;
  return Promise.resolve({
    transport: () => createFakeTransport(fleet),
    folder: "/data",
    // One disk here: the file that must not fit is made not to.
    get smallDisk() {
      box.diskSize = [...box.files.values()].reduce((sum, file) => sum + file.bytes.length, 1_000_000);
      return "/small";
    },
    connections: () => ({ ...box.connections }),
    cutOff: () => {
      box.way = { kind: "silent" };
      return Promise.resolve();
    },
    stop: () => Promise.resolve(),
  });
});
