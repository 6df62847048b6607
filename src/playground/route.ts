/** Where one is in the page: the fragment of its address as a route, and back. */

export type Route =
  | { readonly name: "create" }
  | { readonly name: "history" }
  | { readonly name: "video"; readonly id: string }
  /** Both ids are empty where nothing is chosen yet. */
  | { readonly name: "compare"; readonly reference: string; readonly other: string }
  | { readonly name: "operator"; readonly path: string };

/**
 * The route of a fragment such as `#/video/video_a01…`. What it doesn't know is the first page: an address that
 * somebody mistyped should not be a dead end.
 * @param hash with its `#`, or empty
 */
export function routeOf(hash: string): Route {
  const [place = ""] = hash.replace(/^#\/?/, "").split("?");
  const [name, first = "", second = ""] = place.split("/").map(decoded);
  if (name === "history") return { name };
  if (name === "video" && first !== "") return { name, id: first };
  if (name === "compare") return { name, reference: first, other: second };
  if (name === "operator") return { name, path: place.slice("operator/".length) };
  return { name: "create" };
}

/** What stands after `?` within a fragment. */
export function queryOf(hash: string): URLSearchParams {
  const at = hash.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : hash.slice(at + 1));
}

/** The fragment of a route, for links. */
export function hashOf(route: Route): string {
  switch (route.name) {
    case "create":
      return "#/";
    case "history":
      return "#/history";
    case "video":
      return `#/video/${encodeURIComponent(route.id)}`;
    case "compare":
      return route.reference === ""
        ? "#/compare"
        : `#/compare/${encodeURIComponent(route.reference)}/${encodeURIComponent(route.other)}`;
    case "operator":
      return `#/operator${route.path === "" ? "" : `/${route.path}`}`;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
