/**
 * A real S3 server for tests: Ceph's RADOS gateway over a monitor and an object store in memory, all on loopback, in
 * a folder that goes with it. It checks signatures, expiry and conditions by its own code.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "./free-port.ts";

/** How a running server is reached. */
export interface S3Server {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Which server it is, for reports. */
  readonly version: string;
  /** Its configuration, by which `startGateway` finds the cluster. */
  readonly configFile: string;
  stop(): Promise<void>;
}

/** One more gateway to the same objects. */
export interface Gateway {
  readonly endpoint: string;
  /** At once, in the middle of whatever it does. */
  kill(): Promise<void>;
}

/** What is needed, by the Debian package that has it. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  radosgw: ["radosgw", "radosgw-admin"],
  "ceph-mon": ["ceph-mon", "monmaptool", "ceph-authtool"],
  "ceph-osd": ["ceph-osd"],
  "ceph-common": ["ceph"],
};

/** Packages of Debian that are not installed. */
export function missingPackages(): string[] {
  const isThere = (program: string) => spawnSync("which", [program]).status === 0;
  return Object.entries(PROGRAMS)
    .filter(([, programs]) => !programs.every(isThere))
    .map(([name]) => name);
}

/** How they are had. */
export function howToGet(packages: readonly string[]): string {
  return `apt-get install --no-install-recommends ${packages.join(" ")}`;
}

/** @throws Error that says what is missing, or what the server said */
export async function startRgw(): Promise<S3Server> {
  const missing = missingPackages();
  if (missing.length > 0) throw new Error(`No S3 server can be started. Run: ${howToGet(missing)}`);
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-rgw-"));
  const cluster = new Cluster(folder);
  try {
    return await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** @throws Error where it doesn't answer */
export async function startGateway(configFile: string): Promise<Gateway> {
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-gateway-"));
  const its = ["admin-socket", "log-file", "pid-file"].map((kind) => `--${kind}=${path.join(folder, kind)}`);
  const frontend = `--rgw-frontends=beast endpoint=127.0.0.1:${port}`;
  const child = spawn("radosgw", ["-f", "-n", "client.admin", frontend, ...its], {
    env: { ...process.env, CEPH_CONF: configFile },
    stdio: "ignore",
  });
  const kill = async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    rmSync(folder, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  if (await isAnswering(endpoint, [child])) return { endpoint, kill };
  await kill();
  throw new Error("A second gateway did not answer.");
}

const START_TIMEOUT_MS = 120_000;
const LOOK_MS = 200;
const STOP_MS = 5000;

class Cluster {
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #abandoned = () => {
    for (const child of this.#children) child.kill("SIGKILL");
  };

  constructor(folder: string) {
    this.#folder = folder;
    process.once("exit", this.#abandoned);
  }

  async start(): Promise<S3Server> {
    const [monitor, gateway] = [await freePort(), await freePort()];
    const keys = { accessKeyId: "mixcachetest", secretAccessKey: randomBytes(20).toString("hex") };
    const clusterId = randomUUID();
    for (const name of ["mon", "osd", "run"]) mkdirSync(path.join(this.#folder, name));
    writeFileSync(this.#configFile, configuration(this.#folder, clusterId, monitor, gateway));
    this.#makeMonitor(clusterId, monitor);
    this.#daemon("ceph-mon", "-i", "a");
    const osd = randomUUID();
    this.#must("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", osd);
    this.#must("ceph", "--connect-timeout", "60", "osd", "new", osd, "0");
    this.#daemon("ceph-osd", "-i", "0");
    this.#daemon("radosgw", "-n", "client.admin");
    const { accessKeyId, secretAccessKey } = keys;
    const user = [
      "--uid=test",
      "--display-name=test",
      `--access-key=${accessKeyId}`,
      `--secret=${secretAccessKey}`,
    ];
    this.#must("radosgw-admin", "user", "create", ...user);
    const endpoint = `http://127.0.0.1:${gateway}`;
    await this.#answers(endpoint);
    const version = this.#must("radosgw", "--version").trim();
    return { endpoint, ...keys, version, configFile: this.#configFile, stop: () => this.stop() };
  }

  async stop(): Promise<void> {
    process.removeListener("exit", this.#abandoned);
    await Promise.all(this.#children.map(ended));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #makeMonitor(clusterId: string, port: number): void {
    const [keyring, map] = [path.join(this.#folder, "keyring"), path.join(this.#folder, "monmap")];
    const all = ["--cap", "mon", "allow *", "--cap", "osd", "allow *"];
    this.#must("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", ...all);
    this.#must("ceph-authtool", keyring, "--gen-key", "-n", "client.admin", ...all);
    this.#must("ceph-authtool", keyring, "--gen-key", "-n", "osd.0", ...all);
    this.#must("monmaptool", "--create", "--addv", "a", `[v2:127.0.0.1:${port}]`, "--fsid", clusterId, map);
    this.#must("ceph-mon", "--mkfs", "-i", "a", "--monmap", map, "--keyring", keyring);
  }

  get #configFile(): string {
    return path.join(this.#folder, "ceph.conf");
  }

  #environment(): NodeJS.ProcessEnv {
    return { ...process.env, CEPH_CONF: this.#configFile };
  }

  #must(program: string, ...flags: readonly string[]): string {
    const { status, stdout, stderr, error } = spawnSync(program, flags, {
      env: this.#environment(),
      encoding: "utf8",
      timeout: START_TIMEOUT_MS,
    });
    if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr}`);
    return stdout;
  }

  #daemon(program: string, ...flags: readonly string[]): void {
    const child = spawn(program, ["-f", ...flags], {
      env: this.#environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const log = createWriteStream(path.join(this.#folder, `${program}.out`));
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    this.#children.push(child);
  }

  async #answers(endpoint: string): Promise<void> {
    if (await isAnswering(endpoint, this.#children)) return;
    const said = ["ceph-mon", "ceph-osd", "radosgw"].map((program) =>
      readFileSync(path.join(this.#folder, `${program}.out`), "utf8").slice(-1000),
    );
    throw new Error(`The S3 server did not answer.\n${said.join("\n")}`);
  }
}

/** @returns false where one of the processes has ended or it takes too long */
async function isAnswering(endpoint: string, processes: readonly ChildProcess[]): Promise<boolean> {
  const until = Date.now() + START_TIMEOUT_MS;
  while (processes.every(({ exitCode }) => exitCode === null) && Date.now() < until) {
    try {
      await (await fetch(endpoint)).arrayBuffer();
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
  return false;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await exit;
  clearTimeout(force);
}

/** One of each daemon, nothing on the disk but the monitor's own. */
function configuration(folder: string, clusterId: string, monitor: number, gateway: number): string {
  return `[global]
fsid = ${clusterId}
mon host = [v2:127.0.0.1:${monitor}]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth allow insecure global id reclaim = false
ms bind msgr1 = false
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 1
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4294967296
run dir = ${folder}/run
admin socket = ${folder}/run/$name.$pid.asok
log file = ${folder}/$name.log
pid file = ${folder}/run/$name.pid
mon data = ${folder}/mon
osd data = ${folder}/osd
keyring = ${folder}/keyring
rgw frontends = beast endpoint=127.0.0.1:${gateway}
rgw thread pool size = 64
`;
}
