/** The API as the page asks it: JSON and files, and every failure as a `MixcacheError`. */

import type { z } from "zod";
import type { TraceFile } from "../../engine/trace-schema.ts";
import { isErrorCode, MixcacheError } from "../../errors.ts";
import type { modelListSchema } from "../../schemas/model.ts";
import type { VideoObject, videoListSchema } from "../../schemas/video.ts";

export type VideoPage = z.infer<typeof videoListSchema>;
export type Model = z.infer<typeof modelListSchema>["data"][number];

/** What the record of a video holds that the page reads; the whole is in docs/schema/record-1.schema.json. */
interface VideoRecord {
  /** null of a video that was stopped. */
  readonly trace: TraceFile | null;
}

export interface ApiOptions {
  /** Where the server answers; empty for the page's own. */
  readonly base: string;
  /** The API key; undefined where there is none yet. */
  readonly key: () => string | undefined;
  readonly fetch: typeof fetch;
}

/** How one asks. */
export interface Asking {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** One server, with one key. Every method throws `MixcacheError`: the server's own, or `server_unreachable`. */
export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** @param path from the server's root on, such as `/v1/videos` */
  async ask(path: string, { method = "GET", json, headers, signal }: Asking = {}): Promise<Response> {
    const { base, key, fetch } = this.#options;
    const secret = key();
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
        ...(json !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(signal && { signal }),
    }).catch((error: unknown) => {
      throw signal?.aborted ? stopped(error) : unreachable(error);
    });
    if (!response.ok) throw await failure(response);
    return response;
  }

  /** The answer's JSON, which is what the API's schemas say of the path. */
  async json<T>(path: string, asking: Asking = {}): Promise<T> {
    const response = await this.ask(path, asking);
    if (!isJson(response)) throw noApi(response);
    return response.json() as Promise<T>;
  }

  /** @param idempotencyKey the same one makes no second video */
  create(body: object, idempotencyKey: string): Promise<VideoObject> {
    return this.json("/v1/videos", {
      method: "POST",
      json: body,
      headers: { "idempotency-key": idempotencyKey },
    });
  }

  video(id: string): Promise<VideoObject> {
    return this.json(pathOf(id));
  }

  /** Newest first. @param after the last id of the page before */
  videos(after?: string): Promise<VideoPage> {
    const query = new URLSearchParams({ limit: "50", ...(after !== undefined && { after }) });
    return this.json(`/v1/videos?${query}`);
  }

  cancel(id: string): Promise<VideoObject> {
    return this.json(`${pathOf(id)}/cancel`, { method: "POST" });
  }

  async remove(id: string): Promise<void> {
    await this.ask(pathOf(id), { method: "DELETE" });
  }

  async models(): Promise<readonly Model[]> {
    const { data } = await this.json<z.infer<typeof modelListSchema>>("/v1/models");
    return data;
  }

  /** The record of every step; undefined where the video has none. */
  async trace(id: string): Promise<TraceFile | undefined> {
    const { trace } = await this.json<VideoRecord>(`${pathOf(id)}/trace`);
    return trace ?? undefined;
  }

  /** A file, by a path that the API named or `contentPath` gives. */
  async file(path: string): Promise<Blob> {
    return (await this.ask(path)).blob();
  }
}

/** Where a video's file is. */
export function contentPath(id: string, variant: "video" | "thumbnail" = "video"): string {
  return `${pathOf(id)}/content?variant=${variant}`;
}

/** Where what happens to a video is told. */
export function eventsPath(id: string): string {
  return `${pathOf(id)}/events`;
}

function pathOf(id: string): string {
  return `/v1/videos/${encodeURIComponent(id)}`;
}

function isJson(response: Response): boolean {
  return /\bjson\b/.test(response.headers.get("content-type") ?? "");
}

/** OpenAI's envelope, which problem details have too. */
interface Envelope {
  readonly error?: { readonly message?: unknown; readonly code?: unknown; readonly param?: unknown };
}

async function failure(response: Response): Promise<MixcacheError> {
  if (!isJson(response)) return noApi(response);
  const { error = {} } = (await response.json().catch(() => ({}))) as Envelope;
  const { message, code, param } = error;
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new MixcacheError(
    typeof code === "string" && isErrorCode(code) ? code : "server_failed",
    typeof message === "string" ? message : `The server answered with ${response.status}. Try again.`,
    {
      ...(typeof param === "string" && { field: param }),
      ...(Number.isFinite(seconds) && { retryAfterSeconds: seconds }),
    },
  );
}

/** A static host answers too, but no API. */
function noApi({ status, url }: Response): MixcacheError {
  const where = url === "" ? "this address" : new URL(url).host;
  return new MixcacheError(
    "route_unknown",
    `There is no mixcache API at ${where} (it answered ${status}). Make the video in this browser, or open the page of a mixcache server.`,
  );
}

function unreachable(cause: unknown): MixcacheError {
  return new MixcacheError(
    "server_unreachable",
    "The server can't be reached. Check the connection, or make the video in this browser.",
    { cause },
  );
}

function stopped(cause: unknown): MixcacheError {
  return new MixcacheError("aborted", "The request was stopped.", { cause });
}
