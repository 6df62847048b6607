/** A profile as its file. */

import type { Profile } from "../../engine/cache/profile.ts";

/** One field a line: short, and still to be read by people. */
export function profileText(profile: Profile): string {
  const fields = Object.entries(profile).map(
    ([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`,
  );
  return `{\n${fields.join(",\n")}\n}\n`;
}
