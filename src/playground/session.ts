/** The server that the page belongs to, and the key that it is asked with. */

import { computed, effect, signal } from "@preact/signals";
import { MixcacheError } from "../errors.ts";
import { Api, type Model } from "./server/api.ts";
import { keyInFragment } from "./server/key.ts";

const NAME = "mixcache.key";

/** What is known of the server. */
export type ServerState =
  | { readonly is: "unknown" }
  /** A static host: nothing but the page's files. */
  | { readonly is: "absent"; readonly sentence: string }
  /** It wants a key, or another one. */
  | { readonly is: "locked"; readonly sentence: string | undefined }
  | { readonly is: "ready"; readonly models: readonly Model[] };

/** The API key; undefined where there is none. */
export const apiKey = signal<string | undefined>(undefined);
/** Whether the key outlives this tab. */
export const keyRemembered = signal(false);
export const server = signal<ServerState>({ is: "unknown" });

/** How large the server's videos are; those of the page's own model where there is no server. */
export const usualSize = computed(() => {
  const size = server.value.is === "ready" ? server.value.models[0]?.defaults.size : undefined;
  const [width = 64, height = 64] = size?.split("x").map(Number) ?? [];
  return { width, height };
});

/** The API of the page's own server. */
export const api = new Api({
  base: "",
  key: () => apiKey.value,
  fetch: (...asked) => globalThis.fetch(...asked),
});

/** Takes the key from the address, where it is removed, or from where an earlier visit left it. */
export function openSession(): void {
  const given = keyInFragment(location.hash);
  const remembered = localStorage.getItem(NAME);
  keyRemembered.value = given === undefined && remembered !== null;
  apiKey.value = given?.key ?? sessionStorage.getItem(NAME) ?? remembered ?? undefined;
  if (given) history.replaceState(null, "", `${location.pathname}${location.search}${given.rest}`);
  effect(keep);
}

/** In this tab; for longer only where that was asked for. */
function keep(): void {
  const key = apiKey.value;
  for (const [store, wanted] of [
    [sessionStorage, true],
    [localStorage, keyRemembered.value],
  ] as const) {
    if (wanted && key !== undefined) store.setItem(NAME, key);
    else store.removeItem(NAME);
  }
}

/** Asks the server what it makes videos with, which tells whether it is one and whether the key is good. */
export async function greetServer(): Promise<void> {
  try {
    server.value = { is: "ready", models: await api.models() };
  } catch (error) {
    if (!(error instanceof MixcacheError)) throw error;
    const locked = error.code === "invalid_api_key" || error.code === "scope_missing";
    if (locked)
      server.value = { is: "locked", sentence: apiKey.value === undefined ? undefined : error.message };
    else server.value = { is: "absent", sentence: error.message };
  }
}
