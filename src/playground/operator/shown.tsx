/** Parts that the operator's views share. */

import type { ComponentChildren } from "preact";
import { Problem } from "../parts/field.tsx";
import type { Loaded } from "../parts/use-loaded.ts";

/** What was asked for once it is there; until then that it is coming, or why it is not. */
export function Shown<Value>({
  loaded,
  children,
}: {
  readonly loaded: Loaded<Value>;
  readonly children: (value: Value) => ComponentChildren;
}) {
  if (loaded.is === "loading") return <p class="help">Asking the server …</p>;
  if (loaded.is === "failed") return <Problem sentence={loaded.sentence} />;
  return <>{children(loaded.value)}</>;
}

/** A table that scrolls within itself where it is wider than the screen; with the keyboard too. */
export function Table({
  title,
  columns,
  children,
}: {
  readonly title: string;
  readonly columns: readonly string[];
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable with the keyboard.
    <section class="scroll" aria-label={title} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

/** A moment in the reader's own time. @param at seconds since 1970 */
export function Moment({ at }: { readonly at: number | null }) {
  if (at === null) return <>never</>;
  const date = new Date(at * 1000);
  return (
    <time dateTime={date.toISOString()}>
      {date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}
    </time>
  );
}
