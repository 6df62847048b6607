import { problems } from "../generate/runs.ts";
import { Field } from "../parts/field.tsx";
import { EXAMPLES } from "../settings/examples.ts";
import { draft, edit } from "../settings/form-store.ts";

/** What the video shows, and prompts to begin with. */
export function PromptField() {
  return (
    <div class="prompt">
      <Field id="prompt" label="Prompt" problem={problems.value.prompt}>
        {(control) => (
          <textarea
            {...control}
            rows={3}
            value={draft.value.prompt}
            onInput={(event) => edit({ prompt: event.currentTarget.value })}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey))
                event.currentTarget.form?.requestSubmit();
            }}
          />
        )}
      </Field>
      <details class="examples">
        <summary>Examples</summary>
        <ul>
          {EXAMPLES.map((example) => (
            <li key={example}>
              <button type="button" class="chip" onClick={() => edit({ prompt: example })}>
                {example}
              </button>
            </li>
          ))}
        </ul>
      </details>
    </div>
  );
}
