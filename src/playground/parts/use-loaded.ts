/** Something that has to be fetched before it can be shown. */

import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../errors.ts";

export type Loaded<T> =
  | { readonly is: "loading" }
  | { readonly is: "ready"; readonly value: T }
  | { readonly is: "failed"; readonly sentence: string };

/**
 * Loads again whenever `key` changes; what comes of an earlier key is dropped.
 * @param key names what is loaded
 */
export function useLoaded<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ readonly key: string; readonly loaded: Loaded<T> }>();
  useEffect(() => {
    let isCurrent = true;
    const settle = (loaded: Loaded<T>) => {
      if (isCurrent) setState({ key, loaded });
    };
    load().then(
      (value) => settle({ is: "ready", value }),
      (error: unknown) => settle({ is: "failed", sentence: messageOf(error) }),
    );
    return () => {
      isCurrent = false;
    };
  }, [key]);
  return state?.key === key ? state.loaded : { is: "loading" };
}
