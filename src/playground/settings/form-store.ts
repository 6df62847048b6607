/** The form as it stands now, and where its videos are made. */

import { computed, signal } from "@preact/signals";
import type { Place } from "../generate/made-video.ts";
import { server } from "../session.ts";
import { type Draft, EMPTY_DRAFT } from "./draft.ts";
import { EXAMPLES } from "./examples.ts";

export const draft = signal<Draft>({ ...EMPTY_DRAFT, prompt: EXAMPLES[0] ?? "", seed: "7" });

/** Changes some fields. */
export function edit(fields: Partial<Draft>): void {
  draft.value = { ...draft.value, ...fields };
}

/** What was chosen; undefined before anybody did. */
export const chosenPlace = signal<Place | undefined>(undefined);

/** Where the next video is made: on the server, where there is one and nobody said otherwise. */
export const place = computed<Place>(
  () => chosenPlace.value ?? (server.value.is === "absent" ? "browser" : "server"),
);
