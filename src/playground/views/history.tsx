/** All videos, those of the server and those of this browser. */

import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import type { MadeVideo } from "../generate/made-video.ts";
import { library } from "../generators.ts";
import { type Listed, newestFirst } from "../history/library.ts";
import { VideoCard } from "../history/video-card.tsx";
import { Problem } from "../parts/field.tsx";
import { hashOf } from "../route.ts";
import { server } from "../session.ts";

const EMPTY: Listed = { videos: [], problems: [], after: undefined };

export function HistoryView() {
  const [listed, setListed] = useState<Listed>();
  const [failure, setFailure] = useState<string>();
  const withServer = server.value.is === "ready";
  const more = async (before: Listed, after?: string) => {
    const page = await library.list(withServer, after);
    setListed({ ...page, videos: newestFirst([...before.videos, ...page.videos]) });
  };
  useEffect(() => {
    if (server.value.is !== "unknown") more(EMPTY).catch((error: unknown) => setFailure(messageOf(error)));
  }, [server.value.is]);
  const remove = (video: MadeVideo) => {
    library.remove(video).then(
      () => setListed((now) => now && { ...now, videos: now.videos.filter(({ id }) => id !== video.id) }),
      (error: unknown) => setFailure(messageOf(error)),
    );
  };
  return (
    <div class="history">
      <h1>History</h1>
      <Problem sentence={failure} />
      {listed?.problems.map((sentence) => (
        <p class="notice" key={sentence}>
          {sentence}
        </p>
      ))}
      {!listed && <p class="help">Looking for videos …</p>}
      {listed?.videos.length === 0 && (
        <p class="help">
          There are no videos yet. <a href={hashOf({ name: "create" })}>Make one.</a>
        </p>
      )}
      {listed && (
        <ul class="cards">
          {listed.videos.map((video) => (
            <li key={video.id}>
              <VideoCard video={video} onRemove={() => remove(video)} />
            </li>
          ))}
        </ul>
      )}
      {listed?.after !== undefined && (
        <button type="button" onClick={() => void more(listed, listed.after)}>
          Show older ones
        </button>
      )}
    </div>
  );
}
