import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../pipeline/process.js";

export interface Certificate {
  /** PEM file of the authority that signed it. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** A certificate for an address, signed by an authority of its own; files in `folder`. */
export async function makeCertificate(folder: string, address: string): Promise<Certificate> {
  await mkdir(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  const openssl = async (...args: string[]) => {
    const { exitCode, stderr } = await run("openssl", args);
    if (exitCode !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await openssl(
    "req",
    "-x509",
    ...key,
    "-days",
    "2",
    "-subj",
    "/CN=test authority",
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.pem"),
  );
  await openssl("req", ...key, "-subj", "/CN=test server", "-keyout", at("server.key"), "-out", at("server.csr"));
  await writeFile(at("server.ext"), `subjectAltName=IP:${address}\n`);
  await openssl(
    ...["x509", "-req", "-in", at("server.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial"],
    ...["-days", "2", "-extfile", at("server.ext"), "-out", at("server.pem")],
  );
  return { authority: at("ca.pem"), certificate: at("server.pem"), key: at("server.key") };
}
