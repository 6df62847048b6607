/** A cell on this machine as it is deployed: an API and a worker, each a process, on its own database and bucket. */

import { spawn } from "node:child_process";
import path from "node:path";
import { call, type Serving, watched } from "./serving.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const MIXCACHE = path.join(ROOT, "src/cli/main.ts");

/** What one cell's processes are told. */
export interface CellOptions {
  /** `CELL`. */
  readonly label: string;
  /** Where its API listens. */
  readonly port: number;
  readonly operatorKey: string;
  /** All else of its processes' environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** A key, and whose it is. */
export interface KeyOfAccount {
  readonly account: string;
  readonly key: string;
}

export class Cell {
  readonly label: string;
  /** Where the API itself answers. */
  readonly origin: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #operatorKey: string;
  readonly #ofApi: Serving[] = [];
  #running: Serving[] = [];

  constructor({ label, port, operatorKey, env }: CellOptions) {
    this.label = label;
    this.origin = `http://127.0.0.1:${port}`;
    this.#operatorKey = operatorKey;
    this.#env = { ...env, CELL: label, PORT: String(port), OPERATOR_KEY: operatorKey };
  }

  /** Everything that its API said, of all its starts. */
  get said(): readonly string[] {
    return this.#ofApi.flatMap(({ lines }) => lines);
  }

  /** Brings the database up to date. @throws Error with what it said, where it can't */
  async migrate(): Promise<void> {
    const migrating = this.#process("migrate");
    if ((await migrating.exit) !== 0) throw new Error(migrating.lines.join("\n"));
  }

  /** Starts the processes; resolves when the one answers and the other takes videos. @throws Error where one ends */
  async start(): Promise<void> {
    const [api, worker] = [this.#process("serve"), this.#process("worker")];
    this.#ofApi.push(api);
    this.#running = [api, worker];
    await Promise.all([api.line("Listening on "), worker.line("Ready:")]);
  }

  /** Ends them and waits for it; `SIGKILL` takes them in the middle of whatever they do. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const running = this.#running;
    this.#running = [];
    for (const { process: child } of running) child.kill(signal);
    await Promise.all(running.map(({ exit }) => exit));
  }

  /** Makes an account without a limit, and its key. */
  async account(name: string): Promise<KeyOfAccount> {
    const { id } = await this.#made("/accounts", { name, unlimited: true });
    const { secret } = await this.#made("/keys", { name }, { "mixcache-account": String(id) });
    return { account: String(id), key: String(secret) };
  }

  async #made(route: string, wish: object, headers: Readonly<Record<string, string>> = {}) {
    const { status, body } = await call(
      { url: this.origin, key: this.#operatorKey },
      "POST",
      route,
      wish,
      headers,
    );
    if (status !== 201) throw new Error(`${route} answered ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  #process(command: "migrate" | "serve" | "worker"): Serving {
    const child = spawn(process.execPath, [MIXCACHE, command], {
      cwd: ROOT,
      env: { ...process.env, ...this.#env, ...(command !== "worker" && { ROLE: "api" }) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return watched(child);
  }
}
