/** How running out of memory is told from other failures, and what is said then. */

import { MixcacheError } from "../errors.ts";

/** V8, the C++ library, the kernel, ONNX Runtime and Python each say it in words of their own, and in words only. */
const WORDS =
  /out of memory|allocation failed|failed to allocate|bad_alloc|can(no|')t allocate memory|MemoryError/i;

export function saysOutOfMemory(text: string): boolean {
  return WORDS.test(text);
}

export function outOfMemory(cause?: unknown): MixcacheError {
  return new MixcacheError(
    "engine_out_of_memory",
    "The engine ran out of memory. Ask for a smaller or shorter video, or give the machine more memory.",
    { cause },
  );
}
