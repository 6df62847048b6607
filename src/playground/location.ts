/** The route that the address bar shows, as a signal. */

import { computed, signal } from "@preact/signals";
import { hashOf, queryOf, type Route, routeOf } from "./route.ts";

const hash = signal("");

/** Where one is. */
export const route = computed<Route>(() => routeOf(hash.value));
/** What the address asks within its route. */
export const query = computed(() => queryOf(hash.value));

/** Follows the address bar from now on. */
export function followLocation(): void {
  hash.value = location.hash;
  globalThis.addEventListener("hashchange", () => {
    hash.value = location.hash;
  });
}

/** Goes to a route, as a link to it would. */
export function goTo(to: Route): void {
  location.hash = hashOf(to);
}
