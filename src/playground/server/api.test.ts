import { describe, expect, it } from "vitest";
import { Api } from "./api.ts";

function answering(response: () => Response | Promise<Response>) {
  const asked: { url: string; init: RequestInit | undefined }[] = [];
  const api = new Api({
    base: "",
    key: () => "mx_secret",
    fetch: async (url, init) => {
      asked.push({ url: String(url), init });
      return response();
    },
  });
  return { api, asked };
}

describe("the API", () => {
  it("is asked with the key, and never twice for one video", async () => {
    const { api, asked } = answering(() => Response.json({ id: "video_1" }));
    await api.create({ prompt: "a" }, "once");
    expect(asked[0]).toMatchObject({
      url: "/v1/videos",
      init: {
        method: "POST",
        body: '{"prompt":"a"}',
        headers: {
          authorization: "Bearer mx_secret",
          "content-type": "application/json",
          "idempotency-key": "once",
        },
      },
    });
  });

  it("says which field is wrong, in its own words", async () => {
    const error = {
      message: "size is 1x1, but Shapes makes only 64x64.",
      param: "size",
      code: "invalid_argument",
    };
    const { api } = answering(() => Response.json({ error }, { status: 400 }));
    await expect(api.create({}, "k")).rejects.toMatchObject({
      code: "invalid_argument",
      field: "size",
      message: error.message,
    });
  });

  it("says when to come again", async () => {
    const error = { message: "Too many.", code: "rate_limited", param: null };
    const { api } = answering(() =>
      Response.json({ error }, { status: 429, headers: { "retry-after": "7" } }),
    );
    await expect(api.video("v")).rejects.toMatchObject({ code: "rate_limited", retryAfterSeconds: 7 });
  });

  it("of a later version may have codes that the page doesn't know", async () => {
    const { api } = answering(() =>
      Response.json({ error: { message: "No.", code: "new" } }, { status: 418 }),
    );
    await expect(api.video("v")).rejects.toMatchObject({ code: "server_failed", message: "No." });
  });

  it.each([200, 404])("is told from a static host that answers %i with a page", async (status) => {
    const { api } = answering(
      () => new Response("<html>", { status, headers: { "content-type": "text/html" } }),
    );
    await expect(api.models()).rejects.toMatchObject({ code: "route_unknown" });
  });

  it("that can't be reached is a sentence", async () => {
    const { api } = answering(() => Promise.reject(new TypeError("fetch failed")));
    await expect(api.models()).rejects.toMatchObject({ code: "server_unreachable" });
  });
});
