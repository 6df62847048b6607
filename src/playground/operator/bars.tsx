import type { Bar } from "./usage-rows.ts";

/** Of the drawing, in its own units: it is stretched to its place. */
const WIDTH = 600;
const HEIGHT = 140;
/** The part of its place that a bar fills. */
const FILLED = 0.8;
const LEAST_SEEN = 1;

/** A bar chart, whose numbers a table beside it has. */
export function Bars({ title, bars }: { readonly title: string; readonly bars: readonly Bar[] }) {
  const most = Math.max(...bars.map(({ value }) => value));
  const place = WIDTH / bars.length;
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}. The table below has the numbers.`}
      >
        {bars.map(({ label, value }, i) => {
          const height = value > 0 ? Math.max((value / most) * HEIGHT, LEAST_SEEN) : 0;
          return (
            <rect
              key={label}
              x={place * (i + (1 - FILLED) / 2)}
              y={HEIGHT - height}
              width={place * FILLED}
              height={height}
            >
              <title>{`${label}: ${value}`}</title>
            </rect>
          );
        })}
      </svg>
      <p class="ends" aria-hidden="true">
        <span>{bars[0]?.label}</span>
        <span>most: {Number(most.toPrecision(4))}</span>
        <span>{bars.length > 1 && bars.at(-1)?.label}</span>
      </p>
    </figure>
  );
}
