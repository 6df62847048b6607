import { Field } from "../parts/field.tsx";
import { hashOf } from "../route.ts";
import { apiKey, server } from "../session.ts";
import { accounts, chosenAccount } from "./calls.ts";
import { Deliveries } from "./deliveries.tsx";
import { Keys } from "./keys.tsx";
import { Shown } from "./shown.tsx";
import { Usage } from "./usage.tsx";
import { useAsked } from "./use-asked.ts";

const VIEWS = [
  { path: "keys", title: "Keys", View: Keys },
  { path: "usage", title: "Usage", View: Usage },
  { path: "deliveries", title: "Deliveries", View: Deliveries },
] as const;

/** Keys, usage and deliveries: of one's own account, or of one that the operator chooses. @param path what follows `#/operator/` */
export function Operator({ path }: { readonly path: string }) {
  const { View, title } = VIEWS.find((view) => view.path === path) ?? VIEWS[0];
  const { is } = server.value;
  return (
    <div class="operator">
      <h1>{title}</h1>
      <nav aria-label="Views of the account" class="operator-views">
        {VIEWS.map((view) => (
          <a
            key={view.path}
            href={hashOf({ name: "operator", path: view.path })}
            {...(view.View === View && { "aria-current": "page" })}
          >
            {view.title}
          </a>
        ))}
      </nav>
      {is === "ready" && <View />}
      {is === "locked" && <OfChosen View={View} />}
      {is === "unknown" && <p class="help">Asking the server …</p>}
      {is === "absent" && (
        <p class="help">Keys, usage and deliveries are a server's, and there is none here.</p>
      )}
    </div>
  );
}

/** A key without an account of its own may be the operator's. */
function OfChosen({ View }: { readonly View: (typeof VIEWS)[number]["View"] }) {
  const { answer } = useAsked(apiKey.value ?? "", accounts);
  return (
    <Shown loaded={answer}>
      {(list) => (
        <>
          <AccountChoice list={list} />
          {chosenAccount.value === undefined ? (
            <p class="help">With the operator's key, choose the account that this is about.</p>
          ) : (
            <View key={chosenAccount.value} />
          )}
        </>
      )}
    </Shown>
  );
}

function AccountChoice({
  list,
}: {
  readonly list: readonly { readonly id: string; readonly name: string }[];
}) {
  return (
    <Field id="account" label="Account" problem={undefined}>
      {(control) => (
        <select
          {...control}
          value={chosenAccount.value ?? ""}
          onChange={({ currentTarget }) => {
            chosenAccount.value = currentTarget.value || undefined;
          }}
        >
          <option value="">Choose an account</option>
          {list.map(({ id, name }) => (
            <option key={id} value={id}>
              {name} ({id})
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
