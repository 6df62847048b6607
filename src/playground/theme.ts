/** Dark or light: as the system says, or as this person chose. */

import { effect, signal } from "@preact/signals";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const NAME = "mixcache.theme";

export const theme = signal<Theme>("auto");

/** Takes the last choice, and follows it from now on. */
export function openTheme(): void {
  theme.value = THEMES.find((name) => name === localStorage.getItem(NAME)) ?? "auto";
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
    localStorage.setItem(NAME, theme.value);
  });
}

/** The one after this one, around the end. */
export function nextTheme(current: Theme): Theme {
  return THEMES[(THEMES.indexOf(current) + 1) % THEMES.length] ?? "auto";
}
