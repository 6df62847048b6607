/** What a process is: its place, its database, its model and its keys. */

import { z } from "zod";
import { CELL, DEFAULT_CELL } from "../../wire/cell.ts";
import { EDGE_SECRET, EDGE_SECRET_RULE } from "../../wire/proof.ts";
import { docs, flag, oneOf, url, webUrl, whole } from "./rules.ts";

/** Of every server process. */
export const server = {
  ROLE: oneOf("all", "api", "worker").default("all").register(docs, {
    group: "server",
    meaning:
      "What this process does: `all`, or only answer (`api`) or only make videos (`worker`). The latter two need `DATABASE_URL`, and never [migrate](operate.md#upgrades) it.",
  }),
  PORT: whole(0, 65_535).default(8080).register(docs, {
    group: "server",
    meaning: "Where the API listens. `0`: any port that is free.",
  }),
  HOST: z.string().default("127.0.0.1").register(docs, {
    group: "server",
    meaning: "On which address. `0.0.0.0` in a container.",
  }),
  PUBLIC_URL: webUrl().optional().register(docs, {
    group: "server",
    meaning: "How clients reach the API; links to videos begin with it.",
    otherwise: "`http://localhost:PORT`",
  }),
  PLAYGROUND: oneOf("on", "off").default("on").register(docs, {
    group: "server",
    meaning:
      "Whether the API serves the [playground](operate.md#the-playground) at `/`; `off`: `/` leads to `/docs`.",
  }),
  DATA_DIR: z.string().default("./data").register(docs, {
    group: "server",
    meaning:
      "The folder of the embedded database (`database`) and of the videos (`objects`). Processes that share a `DATABASE_URL` share this folder too, unless videos are in a bucket.",
  }),
  DATABASE_URL: url(["postgres:", "postgresql:"], "it must be a URL that begins with postgres://")
    .optional()
    .register(docs, {
      group: "server",
      meaning: "PostgreSQL 15 or newer, `postgres://user:password@host:5432/name`.",
      otherwise: "PGlite, embedded, in `DATA_DIR`",
    }),
  DATABASE_CONNECTIONS: whole(1, 1000).optional().register(docs, {
    group: "server",
    meaning:
      "How many connections to PostgreSQL one process holds at most, besides one that listens for news.",
    otherwise: "10; 2 in functions that are billed by the call",
  }),
  BUNDLE: z.string().optional().register(docs, {
    group: "server",
    meaning:
      "The model that is served: the folder of its [bundle](bundle-format.md), or `s3://bucket/prefix@sha256:digest`, which is [fetched](bundles-in-s3.md) into `BUNDLE_CACHE`.",
    otherwise: "_Shapes_, the one that comes along",
  }),
  BUNDLE_CACHE: z.string().optional().register(docs, {
    group: "server",
    meaning: "Where bundles that are fetched lie on this machine. Processes may share it.",
    otherwise: "`mixcache/bundles` in `XDG_CACHE_HOME`, else in `~/.cache`",
  }),
  PROFILE_WRITEBACK: flag().register(docs, {
    group: "server",
    meaning:
      "`1`: what videos show of the model goes into the store beside its [profiles](profiles.md#in-a-store) and is used by workers that start later; with it the embeddings of frequent negative prompts. Never prompts.",
  }),
  CELL: z
    .string()
    .regex(CELL, "it must be one lowercase letter or digit")
    .default(DEFAULT_CELL)
    .register(docs, {
      group: "server",
      meaning:
        "The label of this installation, a part of its videos' and accounts' ids and of its keys. Two behind one [edge](edge.md) need two.",
    }),
  LOG_LEVEL: oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent")
    .default("info")
    .register(docs, {
      group: "server",
      meaning:
        "What is logged, as JSON lines on stderr: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.",
    }),
  OPERATOR_KEY: z.string().min(32, "it must have at least 32 characters").optional().register(docs, {
    group: "server",
    meaning: "The operator's key: accounts, credit, all jobs. At least 32 characters.",
    otherwise: "one that is made on the first start and kept in `DATA_DIR/operator-key`",
  }),
  EDGE_SECRET: z.string().regex(EDGE_SECRET, EDGE_SECRET_RULE).optional().register(docs, {
    group: "server",
    meaning:
      "What the [edge](edge.md) proves itself with: at least 32 visible ASCII characters, or two such secrets with a comma between while one takes the other's place. With it the API answers only what came through the edge.",
    otherwise: "none: there is no edge",
  }),
  INTERNAL_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{32,}$/, "it must be at least 32 visible ASCII characters")
    .optional()
    .register(docs, {
      group: "server",
      meaning: "What scalers send to `/internal/`, as `authorization: Bearer`; it opens nothing else.",
      otherwise: "none: the operator's key alone opens it",
    }),
  SIGNING_KEY: z
    .string()
    .regex(/^([0-9a-fA-F]{2}){32,}$/, "it must be at least 64 hexadecimal digits")
    .optional()
    .register(docs, {
      group: "server",
      meaning: "Signs the links to videos; at least 64 hexadecimal digits, the same for all processes.",
      otherwise: "one that is made on the first start and kept with the videos",
    }),
};
