/** OpenAI's Videos routes, and cancel. */

import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { invalid } from "../../errors.ts";
import type { VideoRow } from "../../jobs/index.ts";
import { createVideoSchema, remixSchema } from "../../schemas/create-video.ts";
import { DEFAULT_LIMIT, pageSchema } from "../../schemas/query.ts";
import { checked } from "../../schemas/sentence.ts";
import { type VideoObject, videoDeletedSchema, videoListSchema, videoSchema } from "../../schemas/video.ts";
import { isVideoId } from "../../wire/video-id.ts";
import { accountOf, authenticated } from "../auth.ts";
import type { ApiEnv, ApiOptions } from "../context.ts";
import { addOperation } from "../operation.ts";
import type { Streams } from "../streams.ts";
import { createVideo, remixVideo } from "./create.ts";
import { idOf } from "./id.ts";
import { presentVideo } from "./present.ts";
import { waited } from "./wait.ts";

const TAG = "Videos";

const Video = videoSchema.openapi("Video");
const VideoList = videoListSchema.openapi("VideoList");
const VideoDeleted = videoDeletedSchema.openapi("VideoDeleted");
const CreateVideo = createVideoSchema.openapi("CreateVideo");
const RemixVideo = remixSchema.openapi("RemixVideo");

/** What can be done with a video. */
const ON_A_VIDEO = ["getVideo", "cancelVideo", "downloadVideo", "getTrace", "remixVideo", "deleteVideo"];

const prefer = z
  .string()
  .optional()
  .meta({ description: "`wait=n`: answer when the video has ended, or after n seconds (at most 60)." });

const createHeaders = z.object({
  "idempotency-key": z
    .string()
    .optional()
    .meta({ description: "The same key and the same request give the same video for 24 hours." }),
  prefer,
});

/** Adds `/v1/videos` and `/v1/videos/{id}` to an app. */
export function addVideoRoutes(app: OpenAPIHono<ApiEnv>, options: ApiOptions, streams: Streams): void {
  const { jobs, accounts } = options;
  const read = authenticated(accounts, "videos:read");
  const write = authenticated(accounts, "videos:write");
  addOperation(app, {
    method: "post",
    path: "/v1/videos",
    id: "createVideo",
    summary: "Create a video",
    tag: TAG,
    headers: createHeaders,
    body: { schema: CreateVideo, form: true },
    success: { schema: Video, links: ON_A_VIDEO },
    failures: [400, 402, 413, 415, 422, 429],
    key: write,
    handle: createVideo(options, streams),
  });
  addOperation(app, {
    method: "get",
    path: "/v1/videos",
    id: "listVideos",
    summary: "List videos",
    tag: TAG,
    query: pageSchema,
    success: { schema: VideoList },
    failures: [400, 404],
    key: read,
    handle: (c) => list(c, options),
  });
  addOperation(app, {
    method: "get",
    path: "/v1/videos/{id}",
    id: "getVideo",
    summary: "Retrieve a video",
    tag: TAG,
    headers: z.object({ prefer }),
    success: { schema: Video, links: ON_A_VIDEO },
    failures: [404],
    key: read,
    handle: async (c) => {
      const row = await jobs.get(accountOf(c), idOf(c));
      return c.json(await present(options, await waited(c, options, streams, row)));
    },
  });
  addOperation(app, {
    method: "delete",
    path: "/v1/videos/{id}",
    id: "deleteVideo",
    summary: "Delete a video",
    description: "One that is queued or in progress can't be deleted: cancel it first.",
    tag: TAG,
    success: { schema: VideoDeleted },
    failures: [404, 409],
    key: write,
    handle: async (c) => {
      const { id } = await jobs.delete(accountOf(c), idOf(c));
      return c.json({ id, object: "video.deleted", deleted: true });
    },
  });
  addOperation(app, {
    method: "post",
    path: "/v1/videos/{id}/remix",
    id: "remixVideo",
    summary: "Make a video again with another prompt",
    description: "With the settings and the seed of the one it is made from.",
    tag: TAG,
    headers: createHeaders,
    body: { schema: RemixVideo, form: true },
    success: { schema: Video, links: ON_A_VIDEO },
    failures: [400, 402, 404, 413, 415, 422, 429],
    key: write,
    handle: remixVideo(options, streams),
  });
  addOperation(app, {
    method: "post",
    path: "/v1/videos/{id}/cancel",
    id: "cancelVideo",
    summary: "Cancel a video",
    description:
      "Before the start it is free; after it, what was computed is billed. One that has ended stays as it is.",
    tag: TAG,
    success: { schema: Video, links: ON_A_VIDEO },
    failures: [404],
    key: write,
    handle: async (c) => {
      const before = await jobs.get(accountOf(c), idOf(c));
      const after = await jobs.cancel(accountOf(c), before.id);
      // What had begun is counted by its worker.
      if (before.status === "queued" && after.error) options.metrics?.ended(after.error.code);
      return c.json(await present(options, after));
    },
  });
}

/** A row with its place in line. */
export async function present({ jobs }: ApiOptions, row: VideoRow): Promise<VideoObject> {
  const places = row.status === "queued" ? await jobs.places([row.id]) : undefined;
  return presentVideo(row, places?.get(row.id));
}

async function list(c: Context<ApiEnv>, { jobs }: ApiOptions): Promise<Response> {
  const { after, limit = DEFAULT_LIMIT, order = "desc" } = checked(pageSchema, c.req.query());
  if (after !== undefined && !isVideoId(after))
    invalid("after", "after can't be used: it is no id of a video.");
  const page = await jobs.list({
    accountId: accountOf(c),
    limit,
    order,
    ...(after !== undefined && { after }),
  });
  const queued = page.videos.filter(({ status }) => status === "queued").map(({ id }) => id);
  const places = queued.length > 0 ? await jobs.places(queued) : undefined;
  const data = page.videos.map((row) => presentVideo(row, places?.get(row.id)));
  return c.json({
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: page.hasMore,
  });
}
