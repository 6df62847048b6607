import { describe, expect, it } from "vitest";
import { hashOf, queryOf, type Route, routeOf } from "./route.ts";

describe("a route", () => {
  it.each<Route>([
    { name: "create" },
    { name: "history" },
    { name: "video", id: "video_a01K7Q9P6VQ0Z5W8N3B4C2D1E0F" },
    { name: "compare", reference: "", other: "" },
    { name: "compare", reference: "a/b", other: "50 %" },
    { name: "operator", path: "" },
    { name: "operator", path: "deliveries/whd_1" },
  ])("comes back from its fragment: %j", (route) => {
    expect(routeOf(hashOf(route))).toEqual(route);
  });

  it.each(["", "#", "#/", "#/nowhere", "#/video", "#/video/", "#/%"])(
    "that nobody knows is the first page: %s",
    (hash) => {
      expect(routeOf(hash)).toEqual({ name: "create" });
    },
  );

  it("is not changed by what is asked within it", () => {
    expect(routeOf("#/?prompt=a/b")).toEqual({ name: "create" });
    expect(queryOf("#/?prompt=a%2Fb&seed=7").get("prompt")).toBe("a/b");
    expect([...queryOf("#/history")]).toEqual([]);
  });
});
