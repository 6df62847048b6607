/** The two forms of an error: OpenAI's, and problem details (RFC 9457). */

import { z } from "zod";

const openAiError = z.object({
  message: z.string().meta({ description: "A sentence that says what is wrong and what to do." }),
  type: z.string().meta({ example: "invalid_request_error" }),
  param: z.string().nullable().meta({ description: "The field at fault." }),
  code: z.string().meta({ description: "Stable; for programs.", example: "invalid_argument" }),
});

/** On OpenAI's routes. */
export const openAiErrorSchema = z.object({ error: openAiError });

/** On routes that are mixcache's own. `error` is there too, so that OpenAI's clients find what they look for. */
export const problemSchema = z.object({
  type: z.string().meta({ description: "about:blank; the code says what kind it is." }),
  title: z.string().meta({ example: "Not Found" }),
  status: z.int(),
  detail: z.string().meta({ description: "A sentence that says what is wrong and what to do." }),
  code: z.string(),
  field: z.string().optional(),
  request_id: z.string(),
  error: openAiError,
});
