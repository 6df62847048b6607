/** Something that is asked for while a view is shown. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { messageOf } from "../../errors.ts";

/** How far it is. */
export type Loaded<Value> =
  | { readonly is: "loading" }
  | { readonly is: "ready"; readonly value: Value }
  | { readonly is: "failed"; readonly sentence: string };

/** What was asked for, and a way to ask again, which leaves what is shown until the answer comes. */
export interface Loading<Value> {
  readonly state: Signal<Loaded<Value>>;
  readonly again: () => void;
}

/**
 * Asks when the view is shown and whenever `of` changes.
 * @param of tells one question from another
 */
export function useLoaded<Value>(of: string, load: (signal: AbortSignal) => Promise<Value>): Loading<Value> {
  const state = useSignal<Loaded<Value>>({ is: "loading" });
  const turn = useSignal(0);
  // Stands for everything that `load` reads.
  const asked = `${turn.value} ${of}`;
  useEffect(() => {
    const left = new AbortController();
    load(left.signal).then(
      (value) => {
        if (!left.signal.aborted) state.value = { is: "ready", value };
      },
      (error: unknown) => {
        if (!left.signal.aborted) state.value = { is: "failed", sentence: messageOf(error) };
      },
    );
    return () => left.abort();
  }, [asked]);
  return {
    state,
    again: () => {
      turn.value += 1;
    },
  };
}
