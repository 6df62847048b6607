/** Something of the server's that is asked for again after every change. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import type { Loaded } from "../parts/use-loaded.ts";

/** What was answered last, and a way to ask again, which leaves that as it is until the next answer comes. */
export interface Asked<Value> {
  readonly answer: Loaded<Value>;
  readonly again: () => void;
}

/**
 * Asks when the view is shown and whenever `of` changes.
 * @param of tells one question from another
 */
export function useAsked<Value>(of: string, ask: (signal: AbortSignal) => Promise<Value>): Asked<Value> {
  const answer = useSignal<Loaded<Value>>({ is: "loading" });
  const turn = useSignal(0);
  // Stands for everything that `ask` reads.
  const asked = `${turn.value} ${of}`;
  useEffect(() => {
    const left = new AbortController();
    ask(left.signal).then(
      (value) => {
        if (!left.signal.aborted) answer.value = { is: "ready", value };
      },
      (error: unknown) => {
        if (!left.signal.aborted) answer.value = { is: "failed", sentence: messageOf(error) };
      },
    );
    return () => left.abort();
  }, [asked]);
  return {
    answer: answer.value,
    again: () => {
      turn.value += 1;
    },
  };
}
