/** An API over parts that stand still, for tests of what doesn't depend on jobs. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { parseManifest } from "../engine/bundle/read.ts";
import { type Accounts, KEY_SCOPES, type Principal } from "../jobs/index.ts";
import { EMBEDDED_BUNDLE } from "../node/embedded.ts";
import type { ApiOptions, ServedModel } from "./context.ts";

/** The embedded model, served. */
export function embeddedModel(): ServedModel {
  const text = readFileSync(path.join(EMBEDDED_BUNDLE, "model.json"), "utf8");
  return {
    id: "shapes",
    manifest: parseManifest(text, EMBEDDED_BUNDLE),
    digest: "ab".repeat(32),
    price: { unit: "tflop", micros: "100" },
    formats: ["mp4", "webp"],
  };
}

/** A secret that the still API knows, with every scope. */
export const TEST_KEY = "mx_test";

const unreachable = (name: string) =>
  new Proxy(
    {},
    { get: (_, method) => () => Promise.reject(new Error(`${name}.${String(method)} was called`)) },
  );

/** Accounts that know one key and whom it is of. */
export function accountsOf(principal: Principal): Accounts {
  const authenticate = async (secret: string) => (secret === TEST_KEY ? principal : undefined);
  return {
    ...(unreachable("accounts") as Accounts),
    authenticate,
    isOperator: () => principal.scopes.includes("operator"),
  };
}

/** Options whose jobs and store refuse every call: a request that gets that far is a failure. */
export function stillOptions(): ApiOptions {
  return {
    jobs: unreachable("jobs") as ApiOptions["jobs"],
    store: unreachable("store") as ApiOptions["store"],
    webhooks: unreachable("webhooks") as ApiOptions["webhooks"],
    reports: unreachable("reports") as ApiOptions["reports"],
    accounts: accountsOf({ accountId: "acct_1", keyId: "key_1", scopes: KEY_SCOPES, limits: {} }),
    scale: () => Promise.reject(new Error("the fleet was asked")),
    models: [embeddedModel()],
    currency: "USD",
    version: "1.2.3",
    readiness: async () => ({ ready: true, parts: { database: "ready" } }),
    now: () => new Date("2026-11-23T00:00:00Z"),
    random: () => 0.5,
    wait: async () => {},
    streams: { process: 10, account: 10 },
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  };
}
