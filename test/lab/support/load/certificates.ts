// A certification authority for one lab, made with openssl into the lab's own directory, which `down` removes.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import { command } from "../lab.ts";

/** Makes certificates that the lab's clients trust. */
export interface Authority {
  /** The file that clients are given. */
  readonly ca: string;
  /** Writes key and certificate as one PEM into the fleet's `certs/`; a new serial number and key every time. */
  issue(name: string, dnsNames: readonly string[]): Promise<string>;
}

async function openssl(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await command("openssl", args);
  if (code !== 0) throw new Error(`openssl ${args[0] ?? ""}: ${stderr}`);
}

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** The authority of a lab; made on the first call. */
export async function authority(lab: Lab): Promise<Authority> {
  const folder = join(lab.fleet, "../ca");
  const certs = join(lab.fleet, "certs");
  await mkdir(folder, { recursive: true });
  await mkdir(certs, { recursive: true });
  const [ca, key] = [join(folder, "ca.pem"), join(folder, "ca.key")];
  await openssl("req", "-x509", ...EC, "-keyout", key, "-out", ca, "-days", "30", "-subj", "/CN=lab authority");
  return {
    ca,
    async issue(name, dnsNames) {
      const part = (ending: string): string => join(folder, `${name}.${ending}`);
      const names = `subjectAltName=${dnsNames.map((dnsName) => `DNS:${dnsName}`).join(",")}`;
      await openssl("req", ...EC, "-keyout", part("key"), "-out", part("csr"), "-subj", `/CN=${dnsNames[0] ?? name}`);
      await writeFile(part("ext"), `${names}\n`);
      const signed = ["-CA", ca, "-CAkey", key, "-days", "10", "-extfile", part("ext")];
      await openssl("x509", "-req", "-in", part("csr"), ...signed, "-out", part("crt"));
      const pem = join(certs, `${name}.pem`);
      const [chain, secret] = await Promise.all([readFile(part("crt")), readFile(part("key"))]);
      await writeFile(pem, Buffer.concat([chain, secret]), { mode: 0o600 });
      return pem;
    },
  };
}

/** The serial number of the certificate that a balancer shows for a name. */
export async function serialShown(lab: Lab, address: string, name: string): Promise<string> {
  const ask = 'openssl s_client -connect "$1" -servername "$2" </dev/null 2>/dev/null | openssl x509 -noout -serial';
  const { stdout } = await lab.run(["sh", "-c", ask, "sh", `${address}:443`, name]);
  return stdout.trim().replace("serial=", "");
}

/** The serial number of the certificate in a PEM file. */
export async function serialOf(pem: string): Promise<string> {
  const { stdout } = await command("openssl", ["x509", "-in", pem, "-noout", "-serial"]);
  return stdout.trim().replace("serial=", "");
}
