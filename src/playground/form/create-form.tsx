/** The form of a video. */

import type { TargetedEvent } from "preact";
import { cancelRun, isRunning, problems, run, startRun } from "../generate/runs.ts";
import { generatorAt } from "../generators.ts";
import { Field, Problem } from "../parts/field.tsx";
import { Icon } from "../parts/icons.tsx";
import { server } from "../session.ts";
import { checkDraft, type Draft, randomSeed } from "../settings/draft.ts";
import { draft, edit, place } from "../settings/form-store.ts";
import { CacheFields } from "./cache-fields.tsx";
import { PlaceFields } from "./place-fields.tsx";
import { PromptField } from "./prompt-field.tsx";

export function CreateForm() {
  const submit = (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    void make(event.currentTarget);
  };
  const busy = isRunning(run.value);
  return (
    <form class="create-form" noValidate onSubmit={submit} aria-label="Settings of the video">
      <PromptField />
      <div class="row">
        <SeedField />
        <NumberField field="steps" name="num_inference_steps" label="Steps" usual={usualSteps()} />
        <NumberField field="guidance" name="guidance_scale" label="Guidance" usual="auto" />
      </div>
      <CacheFields />
      <details class="more">
        <summary>Negative prompt</summary>
        <Field
          id="negative"
          label="What the video should not show"
          help="Empty: the model's own."
          problem={problems.value.negative_prompt}
        >
          {(control) => (
            <input
              {...control}
              type="text"
              value={draft.value.negativePrompt}
              onInput={(event) => edit({ negativePrompt: event.currentTarget.value })}
            />
          )}
        </Field>
      </details>
      <PlaceFields />
      <Problem sentence={problems.value.form} />
      <div class="actions">
        <button type="submit" class="primary" disabled={busy || isLocked()}>
          <Icon name="spark" />
          Generate
        </button>
        {busy && (
          <button type="button" onClick={cancelRun}>
            <Icon name="stop" />
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}

/** Checks the form, and makes the video or puts the cursor where something is wrong. */
async function make(form: HTMLFormElement): Promise<void> {
  const checked = checkDraft(draft.value, randomSeed);
  if ("problems" in checked) problems.value = checked.problems;
  else {
    const { request } = checked;
    if (draft.value.seed.trim() === "") edit({ seed: request.seed });
    document.getElementById("stage")?.scrollIntoView({ block: "nearest" });
    await startRun(request, () => generatorAt(place.value), { place: place.value });
  }
  // Fields are marked with the next frame.
  requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
}

function isLocked(): boolean {
  return place.value === "server" && server.value.is === "locked";
}

function usualSteps(): string {
  const steps =
    server.value.is === "ready" ? server.value.models[0]?.defaults.num_inference_steps : undefined;
  return steps === undefined ? "auto" : String(steps);
}

function SeedField() {
  return (
    <Field id="seed" label="Seed" problem={problems.value.seed}>
      {(control) => (
        <div class="with-button">
          <input
            {...control}
            type="text"
            inputMode="numeric"
            autoComplete="off"
            placeholder="drawn"
            value={draft.value.seed}
            onInput={(event) => edit({ seed: event.currentTarget.value })}
          />
          <button
            type="button"
            class="quiet"
            aria-label="Draw a seed"
            onClick={() => edit({ seed: randomSeed() })}
          >
            <Icon name="dice" />
          </button>
        </div>
      )}
    </Field>
  );
}

interface NumberFieldProps {
  readonly field: keyof Pick<Draft, "steps" | "guidance">;
  readonly name: "num_inference_steps" | "guidance_scale";
  readonly label: string;
  /** What an empty field stands for. */
  readonly usual: string;
}

function NumberField({ field, name, label, usual }: NumberFieldProps) {
  return (
    <Field id={field} label={label} problem={problems.value[name]}>
      {(control) => (
        <input
          {...control}
          type="text"
          inputMode="decimal"
          autoComplete="off"
          placeholder={usual}
          value={draft.value[field]}
          onInput={(event) => edit({ [field]: event.currentTarget.value })}
        />
      )}
    </Field>
  );
}
