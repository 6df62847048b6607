/** `mixcache accounts` and `mixcache credit`: who may use the running server, and for how much. The operator's key. */

import { Command } from "commander";
import type { z } from "zod";
import { invalid } from "../errors.ts";
import type { accountListSchema, accountSchema } from "../schemas/account.ts";
import { type Ask, asking, columns, part, print, type ServerOptions, time } from "./server.ts";

type Account = z.infer<typeof accountSchema>;
type Accounts = z.infer<typeof accountListSchema>;

/** @param ask replaced in tests */
export function creditCommand(ask: Ask = asking()): Command {
  return new Command("credit")
    .description("Show an account's credit, or give it some. Needs the operator's key.")
    .argument("<account>", "the account's id, acct_…")
    .argument("[amount]", "in units of the currency, such as 12.50; below zero takes it back (after --)")
    .option("--reference <text>", "of the payment, say; the same one again is refused")
    .option("--json", "print the server's answer")
    .action(
      async (id: string, amount: string | undefined, options: ServerOptions & { reference?: string }) => {
        const path = `/v1/accounts/${part(id)}`;
        const reference = options.reference ?? `mixcache credit, ${new Date().toISOString()}`;
        const account =
          amount === undefined
            ? await ask<Account>({ method: "GET", path })
            : await ask<Account>({ method: "POST", path: `${path}/credit`, body: { amount, reference } });
        print(account, options, balanceOf);
      },
    );
}

/** @param ask replaced in tests */
export function accountsCommand(ask: Ask = asking()): Command {
  const accounts = new Command("accounts").description("Make and list accounts. Needs the operator's key.");
  accounts
    .command("create")
    .description("Make an account. It has no credit yet, and no key.")
    .argument("<name>", "what people call it")
    .option("--unlimited", "it needs no credit")
    .option("--json", "print the server's answer")
    .action(async (name: string, { unlimited, ...options }: ServerOptions & { unlimited?: boolean }) => {
      const body = { name, ...(unlimited && { unlimited }) };
      const made = await ask<Account>({ method: "POST", path: "/v1/accounts", body });
      print(made, options, ({ id }) => `${id}\n`);
    });
  accounts
    .command("list")
    .description("List accounts.")
    .option("--json", "print the server's answer")
    .action(async (options: ServerOptions) => {
      const page = await ask<Accounts>({ method: "GET", path: "/v1/accounts?limit=100" });
      const head = ["id", "name", "unlimited", "created"];
      print(page, options, ({ data }) =>
        columns([head, ...data.map((a) => [a.id, a.name, a.unlimited ? "yes" : "", time(a.created_at)])]),
      );
    });
  accounts
    .command("retention")
    .description("Set how long files of an account's videos are kept, from the next video on.")
    .argument("<account>", "the account's id, acct_…")
    .argument("<days>", "days; 0: for ever; default: as long as the server says")
    .option("--json", "print the server's answer")
    .action(async (id: string, days: string, options: ServerOptions) => {
      const body = { retention_days: daysOf(days) };
      const path = `/v1/accounts/${part(id)}/retention`;
      const account = await ask<Account>({ method: "PUT", path, body });
      print(account, options, ({ retention_days }) => `${keptFor(retention_days)}\n`);
    });
  return accounts;
}

function daysOf(text: string): number | null {
  if (text === "default") return null;
  if (!/^\d{1,5}$/.test(text))
    invalid("days", `The days are “${text}”; they must be a whole number, or “default”.`);
  return Number(text);
}

function keptFor(days: number | null): string {
  if (days === null) return "Files are kept as long as RETENTION_DAYS of the server says.";
  return days === 0 ? "Files are kept for ever." : `Files are kept for ${days} days.`;
}

function balanceOf({ id, name, unlimited, balance }: Account): string {
  const { currency, credit, held, spent } = balance;
  return columns([
    ["account", `${name} (${id})`],
    ["credit", `${credit} ${currency}${unlimited ? " (unlimited)" : ""}`],
    ["held", `${held} ${currency}`],
    ["spent", `${spent} ${currency}`],
  ]);
}
