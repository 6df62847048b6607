/**
 * Writes the tables of docs/configuration.md, from the schema that the environment is read with.
 *
 *     node scripts/configuration.ts           writes the tables
 *     node scripts/configuration.ts --check   fails when they are not up to date
 */

import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  documentationOf,
  type VariableDoc,
  type VariableName,
  variables,
} from "../src/config/variables/index.ts";

const FILE = path.join(import.meta.dirname, "../docs/configuration.md");

/** The page as it is, and as it should be. */
export async function configurationPage(): Promise<{ readonly is: string; readonly shouldBe: string }> {
  const is = await readFile(FILE, "utf8");
  const shouldBe = is.replaceAll(
    /(<!-- variables: (server|storage|fleet|client|engine|torch) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, before: string, group: VariableDoc["group"], after: string) =>
      `${before}\n${tableOf(group)}\n\n${after}`,
  );
  return { is, shouldBe };
}

/** Variables of a group as a table in Markdown. */
function tableOf(group: VariableDoc["group"]): string {
  const names = Object.keys(variables.shape) as VariableName[];
  const rows = names.flatMap((name) => {
    const known = documentationOf(name);
    return known?.group === group ? [[`\`${name}\``, known.meaning, known.otherwise ?? defaultOf(name)]] : [];
  });
  const table = [["Variable", "Meaning", "Default"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = table;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

function defaultOf(name: VariableName): string {
  const value: unknown = variables.shape[name].parse(undefined);
  if (value === undefined)
    throw new Error(`${name} has no default, so its documentation has to say "otherwise".`);
  return `\`${typeof value === "boolean" ? Number(value) : String(value)}\``;
}

if (import.meta.main) {
  const { is, shouldBe } = await configurationPage();
  if (!process.argv.includes("--check")) await writeFile(FILE, shouldBe);
  else if (is !== shouldBe) {
    process.stderr.write(`${FILE} is not what the schema gives. Run: node scripts/configuration.ts\n`);
    process.exitCode = 1;
  }
}
