/** Prompts that the embedded model draws well: large or slow shapes, a named colour, no way that its card calls smeared (circling, bouncing, spinning). */

export const EXAMPLES: readonly string[] = [
  "a red circle moves left on a blue background",
  "a large blue ring grows on a white background",
  "a large orange cross moves right on a black background",
  "a large cyan circle moves down on a gray background",
  "a large yellow square moves upwards against a red background",
  "a large white disc slides down on a red background",
  "a large purple ring moves to the right on a pink background",
  "a large green circle shrinks on a yellow background",
];
