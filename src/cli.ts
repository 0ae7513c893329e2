#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// Compiling its modules is half of what a start takes. Only what is imported after this is cached; NODE_COMPILE_CACHE goes
// first, and NODE_DISABLE_COMPILE_CACHE turns it off. Where nothing can be written there is no cache and no complaint.
enableCompileCache(join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "drover", "compiled"));
const { main } = await import("./main.ts");

// A reader that goes away (`drover status | head`) must not stop a run half-way.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);
process.exitCode = await main(process.argv.slice(2));
// Nothing may keep the process alive once the verb has said its last line.
// oxlint-disable-next-line unicorn/no-process-exit -- the one place that decides the exit code
process.exit();
