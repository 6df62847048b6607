/**
 * Every environment variable with its rule, its meaning and its default: what the configuration is read by, and what the
 * tables of docs/configuration.md are made from.
 */

import { z } from "zod";
import { accounts } from "./accounts.ts";
import { client } from "./client.ts";
import { engine } from "./engine.ts";
import { fleet } from "./fleet.ts";
import { operation } from "./operation.ts";
import { docs, type VariableDoc } from "./rules.ts";
import { server } from "./server.ts";
import { storage } from "./storage.ts";
import { torch } from "./torch.ts";

export type { VariableDoc } from "./rules.ts";

/** Every variable, in the order of the documentation. */
export const variables = z.object({
  ...server,
  ...storage,
  ...accounts,
  ...operation,
  ...fleet,
  ...client,
  ...engine,
  ...torch,
});

export type VariableName = keyof typeof variables.shape;

/** The variables as they were read. */
export type Variables = z.infer<typeof variables>;

/** What the documentation says of a variable. */
export function documentationOf(name: VariableName): VariableDoc | undefined {
  return docs.get(variables.shape[name]);
}
