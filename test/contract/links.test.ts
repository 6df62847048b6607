/** Links between the pages of this repository, and to its files, lead somewhere. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = path.join(import.meta.dirname, "../..");
const FOLDERS = ["docs", "models", "python", "bench", "test"];

const pages = [
  ...readdirSync(ROOT),
  ...FOLDERS.flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((file) =>
      path.join(folder, file),
    ),
  ),
].filter((file) => file.endsWith(".md") && !/(^|\/)(node_modules|\.[^/]+)\//.test(file));

const read = (page: string) => readFileSync(path.join(ROOT, page), "utf8").replace(/^```[\s\S]*?^```/gm, "");

/** What the headings of a page are called in links, as GitHub makes it. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of read(page).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const name = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
      .replaceAll(" ", "-");
    for (let again = 0; ; again++) {
      const anchor = again === 0 ? name : `${name}-${again}`;
      if (anchors.has(anchor)) continue;
      anchors.add(anchor);
      break;
    }
  }
  return anchors;
}

/** Links of a page that are not to other places on the web. */
function linksOf(page: string): string[] {
  const prose = read(page).replace(/`[^`\n]*`/g, "code");
  return [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/i.test(target));
}

function isDead(page: string, link: string): boolean {
  const [file = "", anchor] = link.split("#");
  const target = file === "" ? page : path.join(path.dirname(page), decodeURIComponent(file));
  if (!existsSync(path.join(ROOT, target))) return true;
  return anchor !== undefined && target.endsWith(".md") && !anchorsOf(target).has(anchor);
}

describe("links", () => {
  it("are found, and dead ones are told from others", () => {
    expect(pages).toEqual(expect.arrayContaining(["README.md", "CONTRIBUTING.md", "docs/api.md"]));
    expect(linksOf("README.md").length).toBeGreaterThan(20);
    expect(isDead("README.md", "docs/run.md#is-it-well")).toBe(false);
    expect(isDead("README.md", "docs/run.md#is-it-ill")).toBe(true);
    expect(isDead("docs/run.md", "docs/run.md")).toBe(true);
  });

  it.each(pages)("of %s lead somewhere", (page) => {
    expect(linksOf(page).filter((link) => isDead(page, link))).toEqual([]);
  });
});
