/** Two videos side by side, on one clock. */

import { useState } from "preact/hooks";
import { ComparedVideos } from "../compare/compared.tsx";
import { type MadeVideo, sameButCache, withReferenceFirst } from "../generate/made-video.ts";
import { library } from "../generators.ts";
import { goTo } from "../location.ts";
import { Field, Problem } from "../parts/field.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { hashOf } from "../route.ts";
import { server } from "../session.ts";
import { cacheWords } from "../settings/cache-choice.ts";

export interface CompareViewProps {
  readonly reference: string;
  readonly other: string;
}

export function CompareView({ reference, other }: CompareViewProps) {
  return (
    <div class="compare">
      <h1>Compare</h1>
      {reference === "" || other === "" ? (
        <Choose first={reference} />
      ) : (
        <Both key={`${reference} ${other}`} ids={[reference, other]} />
      )}
    </div>
  );
}

function Both({ ids: [a, b] }: { readonly ids: readonly [string, string] }) {
  const loaded = useLoaded(`${a} ${b}`, () => Promise.all([library.video(a), library.video(b)]));
  if (loaded.is === "loading") return <p class="help">Looking for the videos …</p>;
  if (loaded.is === "failed") return <Problem sentence={loaded.sentence} />;
  const [reference, other] = withReferenceFirst(...loaded.value);
  return (
    <>
      <p class="lead">{reference.prompt === other.prompt ? reference.prompt : "Two prompts."}</p>
      {!sameButCache(reference, other) && (
        <p class="notice">
          These two differ in more than their cache (prompt, seed, steps, guidance or size), so what lies
          between them is not the cache's doing alone.
        </p>
      )}
      <ComparedVideos reference={reference} other={other} />
      <p>
        <a href={hashOf({ name: "compare", reference: "", other: "" })}>Compare two others</a>
      </p>
    </>
  );
}

/** Two of the history. */
function Choose({ first }: { readonly first: string }) {
  const withServer = server.value.is === "ready";
  const listed = useLoaded(`${withServer}`, () => library.list(withServer));
  const [chosen, setChosen] = useState<readonly [string, string]>([first, ""]);
  if (listed.is === "loading") return <p class="help">Looking for videos …</p>;
  if (listed.is === "failed") return <Problem sentence={listed.sentence} />;
  const videos = listed.value.videos.filter(({ status }) => status === "completed");
  if (videos.length < 2)
    return (
      <p class="help">
        It takes two finished videos. <a href={hashOf({ name: "create" })}>Make one</a>, and press “Compare
        with uncached” beside it.
      </p>
    );
  const [a, b] = chosen;
  const isReady = a !== "" && b !== "" && a !== b;
  return (
    <form
      class="choose"
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) goTo({ name: "compare", reference: a, other: b });
      }}
    >
      <Chooser
        id="first"
        label="First video"
        videos={videos}
        value={a}
        onChange={(id) => setChosen([id, b])}
      />
      <Chooser
        id="second"
        label="Second video"
        videos={videos}
        value={b}
        onChange={(id) => setChosen([a, id])}
      />
      <button type="submit" class="primary" disabled={!isReady}>
        Compare
      </button>
    </form>
  );
}

interface ChooserProps {
  readonly id: string;
  readonly label: string;
  readonly videos: readonly MadeVideo[];
  readonly value: string;
  readonly onChange: (id: string) => void;
}

function Chooser({ id, label, videos, value, onChange }: ChooserProps) {
  return (
    <Field id={id} label={label} problem={undefined}>
      {(control) => (
        <select {...control} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">Choose a video</option>
          {videos.map((video) => (
            <option key={video.id} value={video.id}>
              {video.prompt} · seed {video.seed} · {cacheWords(video.cache)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
