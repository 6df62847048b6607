/** The API key in an address: `#key=mx_…`, alone or behind a route. Fragments are never sent to a server. */

/** @returns the key, and the fragment without it; undefined where it holds none */
export function keyInFragment(hash: string): { readonly key: string; readonly rest: string } | undefined {
  const found = /[#?&]key=(mx_[a-z0-9]+)/.exec(hash);
  if (!found?.[1]) return undefined;
  const rest = hash.replace(/([#?&])key=mx_[a-z0-9]+&?/, "$1").replace(/[?&]$/, "");
  return { key: found[1], rest: rest === "#" ? "#/" : rest };
}
