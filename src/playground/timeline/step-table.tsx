import type { Column } from "./columns.ts";
import { KINDS } from "./columns.ts";

/** All that the timeline shows, as a table: for who listens, and for who wants to read all numbers at once. */
export function StepTable({ columns }: { readonly columns: readonly Column[] }) {
  const names = [...new Set(columns.flatMap(({ details }) => details.map(({ name }) => name)))];
  return (
    <details class="more">
      <summary>All steps as a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
      <section class="scroll" aria-label="Decisions, as a table" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Kind</th>
              {names.map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {columns.map(({ index, kind, details }) => (
              <tr key={index}>
                <th scope="row">{index + 1}</th>
                <td>{KINDS[kind].name}</td>
                {names.map((name) => (
                  <td key={name}>{details.find((detail) => detail.name === name)?.value ?? ""}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
