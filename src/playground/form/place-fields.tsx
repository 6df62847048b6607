/** Where the video is made, and the key that a server wants. */

import type { TargetedEvent } from "preact";
import { useState } from "preact/hooks";
import { Field } from "../parts/field.tsx";
import { Segmented } from "../parts/segmented.tsx";
import { apiKey, greetServer, keyRemembered, server } from "../session.ts";
import { chosenPlace, place } from "../settings/form-store.ts";
import { priceWords } from "../stage/words.ts";

export function PlaceFields() {
  const state = server.value;
  const options = [
    { value: "server", label: "On this server", disabled: state.is === "absent" },
    { value: "browser", label: "In this browser" },
  ] as const;
  const choose = (to: "server" | "browser") => {
    chosenPlace.value = to;
  };
  return (
    <div class="place">
      <Segmented name="place" label="Where" value={place.value} options={options} onChange={choose} />
      {place.value === "browser" ? <BrowserHelp /> : <ServerFields />}
      {state.is === "absent" && place.value === "browser" && <p class="help">{state.sentence}</p>}
    </div>
  );
}

function ServerFields() {
  const state = server.value;
  if (state.is === "locked") return <KeyField sentence={state.sentence} />;
  if (state.is !== "ready") return <p class="help">Asking the server …</p>;
  const model = state.models[0];
  if (!model) return null;
  return (
    <p class="help">
      {model.title}, {model.defaults.num_frames} frames of {model.defaults.size.replace("x", " × ")}.{" "}
      {priceWords(model.price)}.
    </p>
  );
}

/** The API key, kept in this tab unless somebody wants it kept for longer. */
export function KeyField({ sentence }: { readonly sentence: string | undefined }) {
  const [typed, setTyped] = useState("");
  const use = () => {
    if (typed.trim() === "") return;
    apiKey.value = typed.trim();
    void greetServer();
  };
  const onKeyDown = (event: TargetedEvent<HTMLInputElement, KeyboardEvent>) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    use();
  };
  return (
    <div class="key">
      <Field
        id="key"
        label="API key"
        help="The server printed one when it was first started; it begins with mx_."
        problem={sentence}
      >
        {(control) => (
          <div class="with-button">
            <input
              {...control}
              type="password"
              autoComplete="off"
              spellcheck={false}
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
              onKeyDown={onKeyDown}
            />
            <button type="button" onClick={use}>
              Use
            </button>
          </div>
        )}
      </Field>
      <label class="check">
        <input
          type="checkbox"
          checked={keyRemembered.value}
          onChange={(event) => {
            keyRemembered.value = event.currentTarget.checked;
          }}
        />
        <span>Keep it in this browser</span>
      </label>
    </div>
  );
}

/** What to expect, before anything is loaded. */
function BrowserHelp() {
  const sentence =
    "gpu" in navigator
      ? "It runs on this machine's graphics card, by WebGPU."
      : "This browser has no WebGPU: the model runs on the processor, many times slower.";
  return (
    <p class="help">The model is loaded once, and nothing that you type leaves this browser. {sentence}</p>
  );
}
