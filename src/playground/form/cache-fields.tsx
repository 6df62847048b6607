/** How much of the work is reused between steps. */

import { problems } from "../generate/runs.ts";
import { Field, Problem } from "../parts/field.tsx";
import { Segmented } from "../parts/segmented.tsx";
import { server } from "../session.ts";
import {
  type CacheChoice,
  PRESET_NAMES,
  type PresetName,
  SPEEDS,
  withRival,
} from "../settings/cache-choice.ts";
import { draft, edit } from "../settings/form-store.ts";
import { EMBEDDED_DIGEST, type MeasuredPresets, measuredPresets } from "../settings/measured.ts";
import { RIVALS, rivalNamed } from "../settings/rivals.ts";

const KINDS = [
  { value: "off", label: "Off" },
  { value: "preset", label: "Preset" },
  { value: "speed", label: "Speed" },
  { value: "rival", label: "Rival" },
] as const;

function change(fields: Partial<CacheChoice>): void {
  edit({ cache: { ...draft.value.cache, ...fields } });
}

export function CacheFields() {
  const { kind } = draft.value.cache;
  return (
    <div class="cache">
      <Segmented
        name="cache"
        label="Cache"
        value={kind}
        options={KINDS}
        onChange={(to) => change({ kind: to })}
      />
      {kind === "off" && <p class="help">Every step is computed. This is what others are compared with.</p>}
      {kind === "preset" && <Presets />}
      {kind === "speed" && <Speed />}
      {kind === "rival" && <RivalFields />}
      <Problem sentence={problems.value.cache} />
    </div>
  );
}

function Presets() {
  const { preset } = draft.value.cache;
  const measured = measuredPresets(modelDigest());
  return (
    <fieldset class="presets">
      <legend class="visually-hidden">MixCache preset</legend>
      {PRESET_NAMES.map((name) => (
        <label key={name}>
          <input
            type="radio"
            name="preset"
            value={name}
            checked={name === preset}
            onChange={() => change({ preset: name })}
          />
          <span class="name">{name.replace("-", " ")}</span>
          <Measured of={measured} preset={name} />
        </label>
      ))}
      {measured && (
        <p class="help">
          Measured on this model: work of the transformer, and PSNR to the uncached video (mean of{" "}
          {measured.videos} videos, {measured.steps} steps). Higher is nearer.
        </p>
      )}
    </fieldset>
  );
}

interface MeasuredProps {
  readonly of: MeasuredPresets | undefined;
  readonly preset: PresetName;
}

function Measured({ of, preset }: MeasuredProps) {
  const found = of?.of.get(preset);
  if (!found) return null;
  return (
    <>
      <span class="number">{found.speedup.toFixed(1)}× less</span>
      <span class="number">{found.psnr.toFixed(1)} dB</span>
    </>
  );
}

/** Without a server the page has its own model, which is the only one with measured presets. */
function modelDigest(): string | undefined {
  return server.value.is === "ready" ? server.value.models[0]?.digest : EMBEDDED_DIGEST;
}

function Speed() {
  const { speed } = draft.value.cache;
  return (
    <Field
      id="speed"
      label={`${speed.toFixed(1)}× less work`}
      help="How many times less the transformer computes. MixCache finds where that costs least."
      problem={undefined}
    >
      {(control) => (
        <input
          {...control}
          type="range"
          {...SPEEDS}
          value={speed}
          aria-valuetext={`${speed.toFixed(1)} times less work`}
          onInput={(event) => change({ speed: Number(event.currentTarget.value) })}
        />
      )}
    </Field>
  );
}

function RivalFields() {
  const choice = draft.value.cache;
  const rival = rivalNamed(choice.rival);
  const option = rival.option.replaceAll("_", " ");
  return (
    <div class="rival">
      <Field id="rival" label="Policy" help={rival.decides} problem={undefined}>
        {(control) => (
          <select
            {...control}
            value={rival.name}
            onChange={(event) => edit({ cache: withRival(choice, event.currentTarget.value) })}
          >
            {RIVALS.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field
        id="dial"
        label={`${option[0]?.toUpperCase()}${option.slice(1)}: ${choice.dial}`}
        help="To the right: less work, and further from the uncached video."
        problem={undefined}
      >
        {(control) => (
          <input
            {...control}
            type="range"
            min={rival.slow}
            max={rival.fast}
            step={rival.step}
            value={choice.dial}
            onInput={(event) => change({ dial: Number(event.currentTarget.value) })}
          />
        )}
      </Field>
      {rival.assistable && (
        <label class="check">
          <input
            type="checkbox"
            checked={choice.assisted}
            onChange={(event) => change({ assisted: event.currentTarget.checked })}
          />
          <span>Its decisions, MixCache's predictor</span>
        </label>
      )}
    </div>
  );
}
