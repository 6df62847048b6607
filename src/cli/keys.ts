/** `mixcache keys`: the API keys of an account of the running server. */

import { Command } from "commander";
import type { z } from "zod";
import type { createdKeySchema, keyListSchema, keySchema } from "../schemas/account.ts";
import {
  type Ask,
  asking,
  columns,
  part,
  print,
  type ServerOptions,
  time,
  withServerOptions,
} from "./server.ts";

type Key = z.infer<typeof keySchema>;
type Keys = z.infer<typeof keyListSchema>;
type CreatedKey = z.infer<typeof createdKeySchema>;

/** @param ask replaced in tests */
export function keysCommand(ask: Ask = asking()): Command {
  const keys = new Command("keys").description("Make, list and revoke API keys of the running server.");
  withServerOptions(keys.command("create"))
    .description("Make a key. It is printed this once.")
    .argument("<name>", "what people call it")
    .option("--scopes <list>", "what it may do, such as videos:read,videos:write", listOf)
    .action(async (name: string, { scopes, ...options }: ServerOptions & { scopes?: string[] }) => {
      const body = { name, ...(scopes && { scopes }) };
      const made = await ask<CreatedKey>({ method: "POST", path: "/v1/keys", body, ...accountIn(options) });
      print(made, options, ({ secret }) => `${secret}\n`);
    });
  withServerOptions(keys.command("list"))
    .description("List keys, the revoked ones too.")
    .action(async (options: ServerOptions) => {
      const page = await ask<Keys>({ method: "GET", path: "/v1/keys?limit=100", ...accountIn(options) });
      print(page, options, ({ data }) => columns([HEAD, ...data.map(row)]));
    });
  withServerOptions(keys.command("revoke"))
    .description("Revoke a key: from the next request on it is refused.")
    .argument("<id>", "the key's id, key_…")
    .action(async (id: string, options: ServerOptions) => {
      const path = `/v1/keys/${part(id)}`;
      const key = await ask<Key>({ method: "DELETE", path, ...accountIn(options) });
      print(key, options, () => `${key.id} is revoked.\n`);
    });
  return keys;
}

const HEAD = ["id", "prefix", "name", "scopes", "created", "last used", "revoked"];

function row(key: Key): string[] {
  const times = [key.created_at, key.last_used_at, key.revoked_at].map(time);
  return [key.id, `${key.prefix}…`, key.name, key.scopes.join(","), ...times];
}

function listOf(text: string): string[] {
  return text.split(",").map((item) => item.trim());
}

/** The account, where one was named. */
export function accountIn({ account }: ServerOptions): { account?: string } {
  return account === undefined ? {} : { account };
}
