/** The whole service on PostgreSQL and a real S3 server, through the stock `openai` client. `npm run test:s3`. */

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { type RecordingProxy, recordingProxy } from "../support/recording-proxy.ts";
import { keysIn, noS3, s3Server, s3Suite, type TestBucket, testBucket } from "../support/s3.ts";
import { makeVideo, type S3Service, startS3Service, statement, until } from "../support/s3-service.ts";

const DAY_SECONDS = 86_400;
/** On a busy machine PostgreSQL takes its time to start. */
const PATIENCE_MS = 300_000;

describe.skipIf(noS3 !== undefined)(s3Suite("the service on PostgreSQL and S3"), () => {
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-s3-"));
  let postgres: Postgres;
  let database: string;
  let bucket: TestBucket;
  let proxy: RecordingProxy;
  let service: S3Service;
  let env: Record<string, string>;

  beforeAll(async () => {
    const { accessKeyId, secretAccessKey } = s3Server();
    vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
    postgres = await startPostgres();
    database = await postgres.database();
    bucket = await testBucket();
    proxy = await recordingProxy(bucket.place.endpoint);
    env = {
      DATA_DIR: folder,
      DATABASE_URL: database,
      S3_BUCKET: bucket.place.bucket,
      S3_ENDPOINT: bucket.place.endpoint,
      S3_PUBLIC_ENDPOINT: proxy.origin,
      S3_PATH_STYLE: "1",
      RETENTION_DAYS: "7",
    };
    service = await startS3Service(env);
  }, PATIENCE_MS);
  afterAll(async () => {
    await service?.close();
    await proxy?.close();
    bucket?.close();
    await postgres?.stop();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  const files = async (id: string) =>
    (await keysIn(bucket.client, bucket.place.bucket)).filter((key) => key.startsWith(`videos/${id}/`));
  const asked = (route: string, init: RequestInit = {}) =>
    fetch(`${service.url}/v1${route}`, {
      redirect: "manual",
      ...init,
      headers: { authorization: `Bearer ${service.key}`, ...init.headers },
    });
  const code = async (response: Response) =>
    ((await response.json()) as { error: { code: string } }).error.code;
  const expireIn = (id: string, seconds: number) =>
    statement(
      database,
      `update mixcache.videos set expires_at = now() + make_interval(secs => $2) where id = $1`,
      [id, seconds],
    );

  it("says where videos are, and keeps none of them in its folder", async () => {
    expect(service.said).toContainEqual(
      `Videos: the bucket ${env.S3_BUCKET} on ${new URL(env.S3_ENDPOINT ?? "").host}.`,
    );
    const id = await makeVideo(service, 1);
    expect((await files(id)).map((key) => path.basename(key))).toEqual([
      "spritesheet.webp",
      "thumbnail.webp",
      "trace.json",
      expect.stringMatching(/^video\./),
    ]);
  });

  it("downloads lead to what clients can reach, and the key stays with the API", async () => {
    const id = await makeVideo(service, 2);
    proxy.seen.length = 0;
    const response = await service.client.videos.downloadContent(id);
    const bytes = Buffer.from(await response.arrayBuffer());
    const [row] = (await statement(database, "select result from mixcache.videos where id = $1", [id])) as {
      result: { video: { key: string; sha256: string; contentType: string } };
    }[];
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(row?.result.video.sha256);
    expect(response.headers.get("content-type")).toBe(row?.result.video.contentType);
    expect(response.headers.get("content-disposition")).toContain(`filename="${id}.`);
    // The API is asked with the key, S3 by the URL alone.
    expect(proxy.seen).toHaveLength(1);
    expect(proxy.seen[0]).toMatchObject({ method: "GET" });
    expect(proxy.seen[0]?.path).toContain(`/${env.S3_BUCKET}/${row?.result.video.key}?`);
    expect(proxy.seen[0]?.headers).not.toHaveProperty("authorization");
    expect((await fetch(`${service.url}/v1/videos/${id}/content`)).status).toBe(401);
    for (const variant of ["thumbnail", "spritesheet"] as const) {
      const picture = await service.client.videos.downloadContent(id, { variant });
      expect(picture.headers.get("content-type")).toBe("image/webp");
      expect((await picture.arrayBuffer()).byteLength).toBeGreaterThan(0);
    }
  });

  it("the redirect is nobody's to keep, is good for an hour, and takes ranges; HEAD is answered at once", async () => {
    const id = await makeVideo(service, 3);
    const redirect = await asked(`/videos/${id}/content`);
    expect(redirect.status).toBe(302);
    expect(redirect.headers.get("cache-control")).toBe("private, no-store");
    const location = redirect.headers.get("location") ?? "";
    expect(new URL(location).origin).toBe(proxy.origin);
    expect(new URL(location).searchParams.get("X-Amz-Expires")).toBe("3600");
    // The key would not even help there.
    expect((await fetch(location, { headers: { authorization: `Bearer ${service.key}` } })).ok).toBe(false);
    const part = await fetch(location, { headers: { range: "bytes=0-3" } });
    expect(part.status).toBe(206);
    expect(await part.text()).toMatch(/^RIFF|^\0\0\0/);
    const head = await asked(`/videos/${id}/content`, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(Number(head.headers.get("content-length"))).toBe(
      Number(part.headers.get("content-range")?.split("/")[1]),
    );
    const trace = await asked(`/videos/${id}/trace`, { redirect: "follow" });
    expect(await trace.json()).toHaveProperty("format");
  });

  it("a deleted video's files are removed", async () => {
    const id = await makeVideo(service, 4);
    expect((await files(id)).length).toBeGreaterThan(0);
    expect((await service.client.videos.list()).data.map((video) => video.id)).toContain(id);
    await service.client.videos.delete(id);
    expect((await service.client.videos.list()).data.map((video) => video.id)).not.toContain(id);
    await until(async () => (await files(id)).length === 0);
  });

  it("files are kept as long as was said, no URL outlives them, and then they are gone: 410", async () => {
    const id = await makeVideo(service, 5);
    const { expires_at, completed_at } = await service.client.videos.retrieve(id);
    expect(expires_at).toBe((completed_at ?? 0) + 7 * DAY_SECONDS);
    await expireIn(id, 100);
    const location = (await asked(`/videos/${id}/content`)).headers.get("location") ?? "";
    const lives = Number(new URL(location).searchParams.get("X-Amz-Expires"));
    expect(lives).toBeGreaterThan(90);
    expect(lives).toBeLessThanOrEqual(100);
    await expireIn(id, -1);
    for (const route of [
      `/videos/${id}/content`,
      `/videos/${id}/content?variant=thumbnail`,
      `/videos/${id}/trace`,
    ]) {
      const gone = await asked(route);
      expect(gone.status).toBe(410);
      expect(await code(gone)).toBe("video_expired");
    }
    const error = await service.client.videos.downloadContent(id).catch((reason) => reason);
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ status: 410, code: "video_expired" });
    const shown = await service.client.videos.retrieve(id);
    expect(shown).toMatchObject({ status: "completed" });
    expect((shown.expires_at ?? Infinity) * 1000).toBeLessThan(Date.now());
    await until(async () => (await files(id)).length === 0);
    expect((await asked(`/videos/${id}/content`)).status).toBe(410);
  });

  it("CONTENT_DELIVERY=stream brings the bytes through the API", async () => {
    const id = await makeVideo(service, 6);
    const streaming = await startS3Service({ ...env, CONTENT_DELIVERY: "stream" }, service.key);
    try {
      proxy.seen.length = 0;
      const response = await streaming.client.videos.downloadContent(id);
      expect(response.url).toBe(`${streaming.url}/v1/videos/${id}/content`);
      const whole = Buffer.from(await response.arrayBuffer());
      const part = await fetch(response.url, {
        headers: { authorization: `Bearer ${service.key}`, range: "bytes=4-7" },
      });
      expect(part.status).toBe(206);
      expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(4, 8));
      expect(proxy.seen).toEqual([]);
    } finally {
      await streaming.close();
    }
  });

  it("another installation's bucket is refused before anything is touched", async () => {
    const other = { ...env, DATABASE_URL: await postgres.database() };
    const before = await keysIn(bucket.client, bucket.place.bucket);
    await expect(startS3Service(other)).rejects.toMatchObject({
      code: "installation_mismatch",
      message: expect.stringContaining(`The bucket ${env.S3_BUCKET}`),
    });
    expect(await keysIn(bucket.client, bucket.place.bucket)).toEqual(before);
    // A prefix of its own is a store of its own.
    const beside = await startS3Service({ ...other, S3_PREFIX: "staging/" });
    await beside.close();
    expect(await keysIn(bucket.client, bucket.place.bucket)).toContain("staging/installation.json");
  });
});
