/** Requests as nobody's client sends them: hostile paths, headers and bodies, by a seed. */

import { gzipSync } from "node:zlib";

/** One request. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What hostile requests are made around. */
export interface Targets {
  /** Method and path pattern of every operation, `["post", "/v1/videos/{id}/remix"]`. */
  readonly operations: readonly (readonly [method: string, path: string])[];
  /** Ids that exist, of any kind. */
  readonly ids: readonly string[];
  /** Headers of somebody who may do everything. */
  readonly auth: Readonly<Record<string, string>>;
}

const IDS = [
  "..",
  "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
  "%00",
  "%",
  "%ff%fe",
  "%F0%9F%8E%A5",
  "a%2Fb",
  "'%20or%201=1--",
  "{{7*7}}",
  "-1",
  "null",
  "__proto__",
  "video_a",
  "video_a00000000000000000000000000",
  "%0d%0ax-evil:1",
  "%ED%A0%80",
  "x".repeat(6000),
];
const TEXTS = [
  "",
  " ",
  "\0",
  "\ud800",
  "\u202e\u2066",
  "🎬".repeat(2000),
  "a".repeat(5000),
  "'; drop table videos; --",
  "{{7*7}}",
  "../../../../etc/passwd",
  "<script>alert(1)</script>",
  "%s%s%n",
  "\r\nx: y",
  "NaN",
  "1e999",
  "-0",
  "١٢٣",
  "ﬁ",
  "\uffff",
];
const NUMBERS = [
  "0",
  "-1",
  "1.5",
  "1e308",
  "1e400",
  "-1e-400",
  "18446744073709551616",
  "99999999999999999999999999999",
  "0x10",
  "NaN",
  "Infinity",
  "9007199254740993",
];
const FIELDS = [
  "prompt",
  "model",
  "seconds",
  "size",
  "seed",
  "num_inference_steps",
  "guidance_scale",
  "guidance_scale_2",
  "negative_prompt",
  "num_frames",
  "fps",
  "output_format",
  "cache",
  "metadata",
  "deadline_seconds",
  "name",
  "scopes",
  "amount",
  "reference",
  "unlimited",
  "max_queued",
  "requests_per_minute",
  "spend_cap",
  "__proto__",
  "constructor",
  "input_reference",
  "user",
];
const TYPES = [
  "application/json",
  "application/json; charset=utf-16",
  "multipart/form-data; boundary=XX",
  "multipart/form-data",
  "multipart/form-data; boundary=",
  "application/x-www-form-urlencoded",
  "text/plain",
  "application/problem+json",
  "",
  "*/*",
  "application/xml",
  "APPLICATION/JSON;;;",
  "video/mp4",
];
const METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "QUERY"];
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  "idempotency-key": ["k", "", " ", "x".repeat(255), "x".repeat(256), "é", "a b"],
  range: [
    "bytes=0-",
    "bytes=-1",
    "bytes=5-2",
    "bytes=0-0,2-3",
    "bytes=99999999999999999999-",
    "lines=1-2",
    "bytes=-0",
    "bytes=a-b",
  ],
  "if-none-match": ["*", '"x"', 'W/"x"', '"', "x".repeat(3000)],
  "if-range": ['"x"', "yesterday"],
  "if-modified-since": ["Thu, 01 Jan 1970 00:00:00 GMT", "never"],
  "x-request-id": ["a", "é", "x".repeat(129), "../x", "a b"],
  traceparent: [
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-0-0-0",
    "ff",
    "x".repeat(1000),
  ],
  accept: ["text/html", "application/json;q=0", ",,,", "video/*"],
  "accept-encoding": ["gzip", "br;q=9", "identity;q=0, *;q=0"],
  "content-encoding": ["gzip", "br", "identity", "zip"],
  "x-stainless-retry-count": ["1", "-1", "1e9", "x"],
  "mixcache-account": ["acct_0", "é", "x".repeat(500)],
  authorization: [
    "",
    "Bearer",
    "Bearer ",
    "Basic eDp5",
    `Bearer mx_${"a".repeat(47)}`,
    `Bearer ${"é".repeat(20)}`,
    "bearer  x",
  ],
  prefer: ["wait=1", "wait=-1", "respond-async", "wait=abc"],
  "last-event-id": ["0", "-1", "x"],
  "x-forwarded-for": ["127.0.0.1, ::1"],
  cookie: ["a=b".repeat(100)],
};

/** Makes requests, each from what the random numbers say. */
export function rawRequests(random: () => number, targets: Targets): () => RawRequest {
  const below = (count: number) => Math.floor(random() * count);
  const chance = (part: number) => random() < part;
  const one = <T>(items: readonly T[]): T => items[below(items.length)] as T;

  function path(pattern: string): string {
    const filled = pattern.replace(/\{\w+\}/g, () => (chance(0.5) ? one(targets.ids) : one(IDS)));
    const broken = chance(0.05) ? `${filled}${one(["/", "//", "/.", "/%2e%2e", ";x=y", "%00"])}` : filled;
    if (!chance(0.3)) return broken;
    const names = ["after", "limit", "order", "variant", "from", "to", "group_by", one(FIELDS)];
    const pairs = Array.from({ length: 1 + below(3) }, () => {
      const value = chance(0.5) ? one(NUMBERS) : one(TEXTS).slice(0, 500);
      return `${one(names)}=${chance(0.8) ? encodeURIComponent(value.toWellFormed()) : one(IDS).slice(0, 500)}`;
    });
    return `${broken}?${pairs.join("&")}`;
  }

  function value(depth: number): string {
    const kind = below(depth > 2 ? 5 : 8);
    if (kind < 2) return JSON.stringify(one(TEXTS));
    if (kind === 2) return one(NUMBERS);
    if (kind === 3)
      return one(["null", "true", "false", '"2"', '"64x64"', '"mixcache"', '"mp4"', '"a red circle"']);
    if (kind === 4) return `${below(100)}`;
    if (kind === 5) return `[${Array.from({ length: below(4) }, () => value(depth + 1)).join(",")}]`;
    return object(depth + 1);
  }

  function object(depth: number): string {
    const fields = Array.from({ length: below(6) }, () => {
      const name = chance(0.9) ? one(FIELDS) : one([...TEXTS, "policy", "speed", "preset"]);
      return `${JSON.stringify(name)}:${value(depth)}`;
    });
    if (depth === 0 && chance(0.5)) fields.push(`"prompt":"a red circle"`);
    return `{${fields.join(",")}}`;
  }

  function form(): string {
    const parts = Array.from({ length: below(6) }, () => {
      const name = chance(0.7)
        ? one(FIELDS)
        : one(["cache[policy]", "cache[a][b][c][d][e][f]", "metadata[]", "a[", "[]", "]["]);
      const file = chance(0.1) ? `; filename="${one(["a.png", "", "../x", "a\0b"])}"` : "";
      return `--XX\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n${one(chance(0.5) ? NUMBERS : TEXTS)}\r\n`;
    });
    return `${parts.join("")}${chance(0.9) ? "--XX--\r\n" : ""}`;
  }

  function body(): Buffer {
    const kind = below(12);
    if (kind === 0) return Buffer.alloc(0);
    if (kind === 1) return Buffer.from(Array.from({ length: below(300) }, () => below(256)));
    if (kind === 2) return Buffer.from("[".repeat(1 + below(20_000)));
    if (kind === 3) return Buffer.from(`{"a":`.repeat(1 + below(5000)));
    if (kind === 4 && chance(0.05)) return Buffer.alloc(1_200_000, "a");
    if (kind <= 6) return Buffer.from(form(), "utf8");
    const whole = Buffer.from(object(0), "utf8");
    if (kind === 7) return whole.subarray(0, below(whole.length + 1));
    if (kind === 8 && whole.length > 0) whole[below(whole.length)] = below(256);
    return kind === 9 ? gzipSync(whole) : whole;
  }

  return () => {
    const [known, pattern] = one(targets.operations);
    const method = chance(0.9) ? known.toUpperCase() : one(METHODS);
    const headers: Record<string, string> = { ...targets.auth };
    for (const [name, values] of Object.entries(HEADERS)) if (chance(0.06)) headers[name] = one(values);
    const sent = method === "GET" || method === "HEAD" ? Buffer.alloc(0) : body();
    if (chance(0.9))
      headers["content-type"] =
        sent.includes("--XX") && chance(0.8) ? "multipart/form-data; boundary=XX" : one(TYPES);
    return { method, path: path(pattern), headers, body: sent };
  };
}
