/** Where videos are kept, and for how long. */

import { z } from "zod";
import { docs, flag, oneOf, webUrl, whole } from "./rules.ts";

/** The bucket, delivery and retention. */
export const storage = {
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "it must be a bucket's name")
    .optional()
    .register(docs, {
      group: "storage",
      meaning: "The bucket of the videos. See [storage.md](storage.md).",
      otherwise: "none: videos are in `DATA_DIR/objects`",
    }),
  S3_ENDPOINT: webUrl().optional().register(docs, {
    group: "storage",
    meaning: "Another server than AWS's, such as `https://s3.example.com`.",
    otherwise: "AWS's",
  }),
  S3_PUBLIC_ENDPOINT: webUrl().optional().register(docs, {
    group: "storage",
    meaning: "The same server as clients reach it; it is what links to videos begin with.",
    otherwise: "`S3_ENDPOINT`",
  }),
  S3_REGION: z.string().optional().register(docs, {
    group: "storage",
    meaning: "The bucket's region.",
    otherwise: "AWS's own chain (`AWS_REGION`); with `S3_ENDPOINT`, `us-east-1`",
  }),
  S3_PATH_STYLE: flag().register(docs, {
    group: "storage",
    meaning:
      "`1`: the bucket's name is in the path and not in the host's name. Most servers but AWS's need it.",
  }),
  S3_PREFIX: z
    .string()
    .regex(/^(?:(?!\.)[\w.-]{1,128}\/)+$/, "it must be the beginning of keys, with a slash at its end")
    .optional()
    .register(docs, {
      group: "storage",
      meaning: "Before every key, with a slash at its end: where the bucket has other things too.",
      otherwise: "none",
    }),
  S3_CHECKSUMS: oneOf("when_supported", "when_required").optional().register(docs, {
    group: "storage",
    meaning: "When checksums go along with what is written and read.",
    otherwise: "`when_supported`; with `S3_ENDPOINT`, `when_required`, as not every server knows them",
  }),
  CONTENT_DELIVERY: oneOf("redirect", "stream").optional().register(docs, {
    group: "storage",
    meaning: "`redirect`: downloads lead to a signed URL. `stream`: they come through the API.",
    otherwise: "`redirect` with `S3_BUCKET`, else `stream`",
  }),
  RETENTION_DAYS: whole(1, 36_500, " of days").optional().register(docs, {
    group: "storage",
    meaning: "How long files of videos are kept after they are done, unless the account says otherwise.",
    otherwise: "for ever",
  }),
  ORPHAN_WINDOW_DAYS: whole(1, 36_500, " of days").default(30).register(docs, {
    group: "storage",
    meaning:
      "`mixcache sweep` leaves files alone that are younger. More than the age of the oldest backup that may be restored.",
  }),
};
