/** Icons of the page: drawn on 20 × 20, in the colour of the text around them. Never the only name of a thing. */

const SHAPES = {
  dice: "M4 4h12v12H4z M7.5 7.5h.01 M12.5 7.5h.01 M10 10h.01 M7.5 12.5h.01 M12.5 12.5h.01",
  download: "M10 3v9 M6 8.5l4 4 4-4 M4 16.5h12",
  share: "M10 12V3 M6.5 6.5L10 3l3.5 3.5 M5 10v6.5h10V10",
  trash: "M4 6h12 M8 6V4h4v2 M6 6l.7 10.5h6.6L14 6",
  compare: "M3.5 4.5h5.5v11H3.5z M11 4.5h5.5v11H11z",
  again: "M15.5 10a5.5 5.5 0 1 1-1.8-4.1 M15.5 3v3.5H12",
  play: "M7 4.5l8.5 5.5L7 15.5z",
  pause: "M7 4.5v11 M13 4.5v11",
  back: "M12 5l-5 5 5 5",
  forward: "M8 5l5 5-5 5",
  stop: "M5.5 5.5h9v9h-9z",
  sun: "M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z M10 2v1.5 M10 16.5V18 M2 10h1.5 M16.5 10H18 M4.3 4.3l1.1 1.1 M14.6 14.6l1.1 1.1 M4.3 15.7l1.1-1.1 M14.6 5.4l1.1-1.1",
  moon: "M16 11.8A6.5 6.5 0 0 1 8.2 4 6.5 6.5 0 1 0 16 11.8z",
  contrast: "M10 3a7 7 0 1 1 0 14z M10 3a7 7 0 1 0 0 14",
  edit: "M4 16l.8-3.4L13 4.4l2.6 2.6-8.2 8.2z",
  spark: "M10 3l1.6 5.4L17 10l-5.4 1.6L10 17l-1.6-5.4L3 10l5.4-1.6z",
} as const;

export type IconName = keyof typeof SHAPES;

/** One icon; screen readers skip it. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={SHAPES[name]} />
    </svg>
  );
}
