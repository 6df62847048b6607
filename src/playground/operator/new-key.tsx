import { useSignal } from "@preact/signals";
import { messageOf } from "../../errors.ts";
import { Field, Problem } from "../parts/field.tsx";
import { type CreatedKey, createKey, type NewKey as Wish } from "./calls.ts";

type Scope = NonNullable<Wish["scopes"]>[number];

/** In the order of the API; said in full, as the API's own list is code that the page doesn't need. */
const SCOPES: readonly { readonly scope: Scope; readonly may: string }[] = [
  { scope: "videos:read", may: "see videos" },
  { scope: "videos:write", may: "make and delete videos" },
  { scope: "usage:read", may: "see usage and credit" },
  { scope: "keys:manage", may: "manage keys" },
  { scope: "webhooks:manage", may: "manage webhooks" },
];
/** What a key that makes videos needs, and no more. */
const USUAL: readonly string[] = ["videos:read", "videos:write"];

/** A form for a key. */
export function NewKey({ onMade }: { readonly onMade: (key: CreatedKey) => void }) {
  const problem = useSignal<string | undefined>(undefined);
  const submit = async (event: SubmitEvent & { readonly currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const form = event.currentTarget;
    problem.value = undefined;
    try {
      onMade(await createKey(wishOf(new FormData(form))));
      form.reset();
    } catch (error) {
      problem.value = messageOf(error);
    }
  };
  return (
    <form class="new-key" onSubmit={submit}>
      <h2>Make a key</h2>
      <div class="choices">
        <Field id="key-name" label="Name" problem={undefined}>
          {(control) => <input {...control} name="name" required maxLength={200} autoComplete="off" />}
        </Field>
        <Field id="key-requests" label="Requests a minute" problem={undefined}>
          {(control) => (
            <input
              {...control}
              name="requests"
              type="number"
              min={1}
              max={1_000_000}
              placeholder="no limit"
            />
          )}
        </Field>
      </div>
      <fieldset>
        <legend>What it may</legend>
        {SCOPES.map(({ scope, may }) => (
          <label key={scope} class="check">
            <input type="checkbox" name="scope" value={scope} defaultChecked={USUAL.includes(scope)} />
            {may}
          </label>
        ))}
      </fieldset>
      <p class="actions">
        <button type="submit" class="primary">
          Make the key
        </button>
      </p>
      <Problem sentence={problem.value} />
    </form>
  );
}

/** What the server refuses is said by the server. */
function wishOf(form: FormData): Wish {
  const requests = String(form.get("requests") ?? "");
  return {
    name: String(form.get("name") ?? ""),
    scopes: SCOPES.map(({ scope }) => scope).filter((scope) => form.getAll("scope").includes(scope)),
    ...(requests !== "" && { requests_per_minute: Number(requests) }),
  };
}
