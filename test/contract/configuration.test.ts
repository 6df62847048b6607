/** docs/configuration.md says what the schema of the environment says. */

import { describe, expect, it } from "vitest";
import { configurationPage } from "../../scripts/configuration.ts";
import { documentationOf, type VariableName, variables } from "../../src/config/variables/index.ts";

/** Belong to the system, and are explained where something else falls back on them. */
const SYSTEM = ["XDG_CACHE_HOME", "XDG_DATA_HOME", "LC_ALL", "LC_CTYPE", "OTEL_SDK_DISABLED"];

describe("the page of variables", () => {
  it("is up to date (npm run schema writes it)", async () => {
    const { is, shouldBe } = await configurationPage();
    expect(is).toBe(shouldBe);
  });

  it("has every variable", async () => {
    const { is } = await configurationPage();
    for (const name of Object.keys(variables.shape) as VariableName[]) {
      if (SYSTEM.includes(name)) expect(documentationOf(name)).toBeUndefined();
      else expect(is).toContain(`| \`${name}\` `);
      expect(is).toContain(name);
    }
  });
});
