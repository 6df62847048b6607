/** What a server process is told. */

import path from "node:path";
import type { Prices } from "../jobs/price.ts";
import { type BundleReference, isBundleUrl, parseBundleUrl } from "../node/bundles/reference.ts";
import { type Config, engineConfig } from "./engine.ts";
import { type Environment, ofUser, readVariables, refuse } from "./environment.ts";
import { type FleetConfig, fleetConfig } from "./fleet.ts";
import { type StorageConfig, storageConfig } from "./storage.ts";
import type { Variables } from "./variables/index.ts";

/** What a server process is told beyond its engine. */
export interface ServerConfig extends StorageConfig {
  readonly engine: Config;
  readonly fleet: FleetConfig;
  readonly role: "all" | "api" | "worker";
  readonly port: number;
  /** Whether the API serves the page at `/`. */
  readonly playground: boolean;
  readonly host: string;
  /** How clients reach the API, without a slash at the end; undefined: by the port that it listens on. */
  readonly publicUrl?: string;
  /** Absolute. */
  readonly dataDir: string;
  /** PostgreSQL; undefined: PGlite under `dataDir`. */
  readonly databaseUrl?: string;
  /** Of PostgreSQL, that this process holds at most; undefined: as many as suit it. */
  readonly databaseConnections?: number;
  /** Folder of the bundle, or where it is fetched from; undefined: the one that comes along. */
  readonly bundle?: string | Required<BundleReference>;
  /** Where fetched bundles lie. */
  readonly bundleCache: string;
  /** Where profiles lie that were fetched from the store. */
  readonly fetchedProfiles: string;
  /** Whether what videos show goes into the store, and is used. */
  readonly profileWriteback: boolean;
  readonly cell: string;
  readonly logLevel: Variables["LOG_LEVEL"];
  readonly operatorKey?: string;
  /** What the edge proves itself with; undefined: there is no edge. */
  readonly edgeSecret?: string;
  /** What scalers send. */
  readonly internalToken?: string;
  readonly signingKey?: Uint8Array;
  readonly webhooks: {
    /** Seals secrets, 32 bytes; undefined: one in a file under `dataDir`. */
    readonly key?: Uint8Array;
    readonly allowHttp: boolean;
    readonly allowPrivate: boolean;
  };
  /** By model; `*` is every other one. */
  readonly prices: Prices;
  readonly currency: string;
  /** Of one account, unless it says otherwise. */
  readonly maxQueued: number;
  readonly maxRunning: number;
  readonly heartbeatSeconds: number;
  /** 0: no previews, unless a request wants them. */
  readonly previewEverySteps: number;
  /** Event streams and waiting requests, of this process and of one account in it. */
  readonly maxStreams: number;
  readonly maxStreamsPerAccount: number;
  /** The module of the moderation's hook, and how long it may take. */
  readonly moderation?: { readonly module: string; readonly timeoutSeconds: number };
  /** Where metrics are served without a key; undefined: nowhere. */
  readonly metricsPort?: number;
  /** Present where traces are to be exported; everything else of it OpenTelemetry reads itself. */
  readonly tracing?: { readonly serviceName: string };
}

const DEFAULT_PRICES: Prices = { "*": { unit: "tflop", micros: "500" } };

/**
 * What a server needs to know.
 * @param role goes before ROLE
 * @throws MixcacheError `invalid_argument`, whose field is the variable
 */
export function readServerConfig(environment?: Environment, role?: ServerConfig["role"]): ServerConfig {
  const given = readVariables(environment);
  const { DATABASE_URL, DATABASE_CONNECTIONS, PUBLIC_URL, BUNDLE } = given;
  const { OPERATOR_KEY, EDGE_SECRET, INTERNAL_TOKEN, SIGNING_KEY, WEBHOOK_KEY } = given;
  const ROLE = role ?? given.ROLE;
  if (ROLE !== "all" && DATABASE_URL === undefined)
    refuse(
      "ROLE",
      `ROLE is “${ROLE}” and DATABASE_URL is not set. The embedded database belongs to one process, so API and workers apart need a PostgreSQL that they share: set DATABASE_URL, or leave ROLE out.`,
    );
  return {
    engine: engineConfig(given),
    fleet: fleetConfig(given),
    role: ROLE,
    port: given.PORT,
    playground: given.PLAYGROUND === "on",
    host: given.HOST,
    ...(PUBLIC_URL !== undefined && { publicUrl: PUBLIC_URL.replace(/\/+$/, "") }),
    dataDir: path.resolve(given.DATA_DIR),
    ...(DATABASE_URL !== undefined && { databaseUrl: DATABASE_URL }),
    ...(DATABASE_CONNECTIONS !== undefined && { databaseConnections: DATABASE_CONNECTIONS }),
    ...storageConfig(given),
    ...(BUNDLE !== undefined && { bundle: bundlePlace(BUNDLE) }),
    bundleCache: bundleCache(given),
    fetchedProfiles: path.join(ofUser(given.XDG_CACHE_HOME, ".cache"), "mixcache", "profiles"),
    profileWriteback: given.PROFILE_WRITEBACK,
    cell: given.CELL,
    logLevel: given.LOG_LEVEL,
    ...(OPERATOR_KEY !== undefined && { operatorKey: OPERATOR_KEY }),
    ...(EDGE_SECRET !== undefined && { edgeSecret: EDGE_SECRET }),
    ...(INTERNAL_TOKEN !== undefined && { internalToken: INTERNAL_TOKEN }),
    ...(SIGNING_KEY !== undefined && { signingKey: Buffer.from(SIGNING_KEY, "hex") }),
    webhooks: {
      ...(WEBHOOK_KEY !== undefined && { key: Buffer.from(WEBHOOK_KEY, "hex") }),
      allowHttp: given.WEBHOOK_ALLOW_HTTP,
      allowPrivate: given.WEBHOOK_ALLOW_PRIVATE,
    },
    prices: { ...DEFAULT_PRICES, ...given.PRICES },
    currency: given.CURRENCY,
    maxQueued: given.MAX_QUEUED,
    maxRunning: given.MAX_RUNNING,
    heartbeatSeconds: given.HEARTBEAT_SECONDS,
    previewEverySteps: given.PREVIEW_EVERY_STEPS,
    maxStreams: given.MAX_STREAMS,
    maxStreamsPerAccount: given.MAX_STREAMS_PER_ACCOUNT,
    ...(given.MODERATION !== undefined && {
      moderation: {
        module: path.resolve(given.MODERATION),
        timeoutSeconds: given.MODERATION_TIMEOUT_SECONDS,
      },
    }),
    ...(given.METRICS_PORT !== undefined && { metricsPort: given.METRICS_PORT }),
    ...(tracingWanted(given) && { tracing: { serviceName: given.OTEL_SERVICE_NAME } }),
  };
}

function bundlePlace(text: string): string | Required<BundleReference> {
  if (!isBundleUrl(text)) return path.resolve(text);
  const { url, digest } = parseBundleUrl(text, "BUNDLE");
  if (digest === undefined)
    refuse(
      "BUNDLE",
      `BUNDLE is “${text}” and names no version. It must end in @sha256: and the digest that mixcache bundle push printed, so that every worker serves the same model.`,
    );
  return { url, digest };
}

function bundleCache({ BUNDLE_CACHE, XDG_CACHE_HOME }: Variables): string {
  return path.resolve(BUNDLE_CACHE ?? path.join(ofUser(XDG_CACHE_HOME, ".cache"), "mixcache", "bundles"));
}

function tracingWanted(given: Variables): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_SDK_DISABLED } = given;
  const endpoint = OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? OTEL_EXPORTER_OTLP_ENDPOINT;
  return endpoint !== undefined && OTEL_SDK_DISABLED?.toLowerCase() !== "true";
}
