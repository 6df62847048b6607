/** Work, time and cost of two videos beside each other. */

import { cacheWords } from "../settings/cache-choice.ts";
import { costFacts } from "../stage/words.ts";
import { decibels, type Nearness } from "./nearness.ts";
import type { Side } from "./side.ts";

export interface ComparisonTableProps {
  readonly sides: readonly [Side, Side];
  readonly near: Nearness | undefined;
}

export function ComparisonTable({ sides, near }: ComparisonTableProps) {
  const [first, second] = sides.map(({ video, trace }) => costFacts(video, trace));
  return (
    <table class="comparison">
      <thead>
        <tr>
          <td />
          {sides.map(({ video }) => (
            <th scope="col" key={video.id}>
              {cacheWords(video.cache)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {first?.map(({ name, value }, at) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{value ?? "–"}</td>
            <td>{second?.[at]?.value ?? "–"}</td>
          </tr>
        ))}
        {near && (
          <tr>
            <th scope="row">PSNR, mean over frames</th>
            <td>reference</td>
            <td>{decibels(near.mean)}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}
