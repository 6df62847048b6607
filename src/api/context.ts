/** What the API is made of and what a request carries along. */

import type { Manifest } from "../engine/bundle/manifest.ts";
import type { Accounts, Jobs, Price, Principal, Reports, Scale } from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import type { Moderate } from "../moderation.ts";
import type { ObjectStore } from "../storage/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import type { Webhooks } from "../webhooks/index.ts";
import type { StreamLimits } from "./streams.ts";

/** A model that this server makes videos with. */
export interface ServedModel {
  readonly id: string;
  readonly manifest: Manifest;
  /** Digest of the bundle. */
  readonly digest: string;
  readonly price: Price;
  /** By preset of MixCache: FLOPs without a cache over those with it, as measured on this model. */
  readonly presets?: ReadonlyMap<string, number>;
  /** What its workers can encode; the first is the default. */
  readonly formats: readonly ["mp4" | "webp", ...("mp4" | "webp")[]];
}

/** Whether the server can take work, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  /** By part: "ready", or what it waits for. */
  readonly parts: Readonly<Record<string, string>>;
}

/** What the API knows of its edge. */
export interface EdgeOptions {
  /** As `EDGE_SECRET` has them. */
  readonly secrets: string;
  /** The label of this cell. */
  readonly cell: string;
  /** Remembers a proof for every process of the cell. @returns false where it was used before */
  readonly spend: (nonce: string) => Promise<boolean>;
}

/** Everything the API needs; all of it is passed in. */
export interface ApiOptions {
  readonly jobs: Jobs;
  readonly accounts: Accounts;
  readonly reports: Reports;
  readonly store: ObjectStore;
  readonly webhooks: Webhooks;
  /** How many workers there should be. */
  readonly scale: () => Promise<Scale>;
  /** Asked with every prompt that a video is to be made of; undefined: nothing is moderated. */
  readonly moderate?: Moderate;
  /** The first one is the default. */
  readonly models: readonly [ServedModel, ...ServedModel[]];
  /** Of prices and credit, such as "USD". */
  readonly currency: string;
  readonly version: string;
  readonly readiness: () => Promise<Readiness>;
  readonly now: () => Date;
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The most requests that are held open: event streams, and answers that wait. */
  readonly streams: StreamLimits;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
  /** Whether a download leads to a signed URL of the store, or comes through here. Default: `stream`. */
  readonly delivery?: "redirect" | "stream";
  /** Counts what is answered and what ended; undefined: nothing does. */
  readonly metrics?: Metrics;
  /** The edge that everything has to come through; undefined: there is none. */
  readonly edge?: EdgeOptions;
  /** What scalers send to `/internal/`; undefined: the operator's key alone opens it. */
  readonly internalToken?: string;
  /** The built page at `/`, and the origin of the store where downloads lead there; undefined: there is none. */
  readonly playground?: { readonly folder: string; readonly mediaOrigin?: string };
  /** A folder store's signed URLs: where they are and what answers them. */
  readonly files?: { readonly path: string; readonly serve: (request: Request) => Promise<Response> };
}

/** Hono's environment. */
export interface ApiEnv {
  Variables: {
    requestId: string;
    /** Set where the request came through the edge, which has proved itself. */
    fromEdge: boolean;
    /** Set by `authenticated`. */
    principal: Principal;
    /** The account that the request is about. Set by `authenticated`. */
    account: string;
  };
}
