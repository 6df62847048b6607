/** All videos that the page can show, those of the server and those of this browser alike. */

import type { RgbFrames } from "../../engine/frames.ts";
import type { TraceFile } from "../../engine/trace-schema.ts";
import { MixcacheError } from "../../errors.ts";
import { type MadeVideo, madeOfApi } from "../generate/made-video.ts";
import { type Api, contentPath } from "../server/api.ts";
import type { Database } from "./database.ts";

/** What ids of videos begin with that were made in this browser. */
export const LOCAL_PREFIX = "local_";

/** A page of both kinds, newest first. */
export interface Listed {
  readonly videos: readonly MadeVideo[];
  /** Sentences about what could not be listed. */
  readonly problems: readonly string[];
  /** Where the server's next page begins; undefined where there is none. */
  readonly after: string | undefined;
}

export interface LibraryOptions {
  readonly api: Pick<Api, "video" | "videos" | "trace" | "file" | "remove">;
  readonly database: Pick<Database, "list" | "get" | "remove">;
  /** Decodes a file. */
  readonly decode: (file: Blob, video: MadeVideo) => Promise<RgbFrames>;
}

/** Files that were fetched stay in memory, so many of them. */
const KEPT_FILES = 8;

export class Library {
  readonly #options: LibraryOptions;
  readonly #files = new Map<string, Promise<Blob>>();

  constructor(options: LibraryOptions) {
    this.#options = options;
  }

  /** @param withServer whether there is one to ask; @param after where its page begins */
  async list(withServer: boolean, after?: string): Promise<Listed> {
    const problems: string[] = [];
    const orSay = (error: unknown): undefined => {
      if (!(error instanceof MixcacheError)) throw error;
      problems.push(error.message);
    };
    const { api, database } = this.#options;
    const [page, local = []] = await Promise.all([
      withServer ? api.videos(after).catch(orSay) : undefined,
      after === undefined ? database.list().catch(orSay) : [],
    ]);
    return {
      videos: newestFirst([...(page?.data.map(madeOfApi) ?? []), ...local]),
      problems,
      after: page?.has_more ? (page.last_id ?? undefined) : undefined,
    };
  }

  /** @throws MixcacheError `video_not_found`, or the server's own */
  async video(id: string): Promise<MadeVideo> {
    if (!isLocal(id)) return madeOfApi(await this.#options.api.video(id));
    return (await this.#stored(id)).video;
  }

  /** The record of every step; undefined where there is none, as of a video that was cancelled. */
  async trace({ id }: MadeVideo): Promise<TraceFile | undefined> {
    return isLocal(id) ? (await this.#stored(id)).trace : this.#options.api.trace(id);
  }

  /** The video's file; undefined where the browser could not write one. */
  async file({ id }: MadeVideo): Promise<Blob | undefined> {
    return isLocal(id) ? (await this.#stored(id)).file : this.#fetched(id);
  }

  /** A picture of it, or its file where there is no picture. */
  async thumbnail({ id }: MadeVideo): Promise<Blob | undefined> {
    return isLocal(id) ? (await this.#stored(id)).file : this.#options.api.file(contentPath(id, "thumbnail"));
  }

  /** Its frames: as the engine made them where this browser has them, else as its file decodes. */
  async frames(video: MadeVideo): Promise<{ readonly frames: RgbFrames; readonly exact: boolean }> {
    if (isLocal(video.id)) return { frames: (await this.#stored(video.id)).frames, exact: true };
    const file = await this.#fetched(video.id);
    return { frames: await this.#options.decode(file, video), exact: false };
  }

  async remove({ id }: MadeVideo): Promise<void> {
    this.#files.delete(id);
    await (isLocal(id) ? this.#options.database.remove(id) : this.#options.api.remove(id));
  }

  async #stored(id: string) {
    const stored = await this.#options.database.get(id);
    if (stored) return stored;
    throw new MixcacheError(
      "video_not_found",
      "This video is not in this browser. It was deleted, or made in another.",
    );
  }

  #fetched(id: string): Promise<Blob> {
    const known = this.#files.get(id);
    if (known) return known;
    const file = this.#options.api.file(contentPath(id));
    this.#files.set(id, file);
    // What failed is asked for again the next time.
    file.catch(() => this.#files.delete(id));
    const [oldest] = this.#files.keys();
    if (this.#files.size > KEPT_FILES && oldest !== undefined) this.#files.delete(oldest);
    return file;
  }
}

function isLocal(id: string): boolean {
  return id.startsWith(LOCAL_PREFIX);
}

/** Each once. */
export function newestFirst(videos: readonly MadeVideo[]): MadeVideo[] {
  const each = new Map(videos.map((video) => [video.id, video]));
  return [...each.values()].sort((a, b) => b.createdAtMs - a.createdAtMs);
}
