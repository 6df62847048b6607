import { useSignal } from "@preact/signals";
import { messageOf } from "../../errors.ts";
import { Problem } from "../parts/field.tsx";
import { apiKey } from "../session.ts";
import { type CreatedKey, type Key, keys, revokeKey } from "./calls.ts";
import { NewKey } from "./new-key.tsx";
import { Moment, Shown, Table } from "./shown.tsx";
import { useAsked } from "./use-asked.ts";

/** An account's keys: made, whose secret is shown once, and revoked. */
export function Keys() {
  const { answer, again } = useAsked("", keys);
  const made = useSignal<CreatedKey | undefined>(undefined);
  const take = (key: CreatedKey) => {
    made.value = key;
    again();
  };
  return (
    <>
      <NewKey onMade={take} />
      {made.value && (
        <Secret
          made={made.value}
          onDone={() => {
            made.value = undefined;
          }}
        />
      )}
      <Shown loaded={answer}>
        {({ data, has_more }) => (
          <>
            <Table
              title="Keys of the account"
              columns={["Name", "Begins with", "May", "Limits", "Made", "Last used", "State"]}
            >
              {data.map((key) => (
                <Row key={key.id} of={key} onChanged={again} />
              ))}
            </Table>
            {has_more && <p class="help">These are the first 100; the API lists more.</p>}
          </>
        )}
      </Shown>
    </>
  );
}

function Secret({ made, onDone }: { readonly made: CreatedKey; readonly onDone: () => void }) {
  const copied = useSignal("");
  const copy = () =>
    navigator.clipboard.writeText(made.secret).then(
      () => {
        copied.value = "Copied.";
      },
      () => {
        copied.value = "The browser refused to copy. Select the key and copy it.";
      },
    );
  return (
    <section class="made-key" aria-label="The new key">
      <p role="status">
        The key “{made.name}” was made. It is shown this once: copy it now. {copied.value}
      </p>
      <p class="key-text">
        <code>{made.secret}</code>
      </p>
      <p class="actions">
        <button type="button" onClick={copy}>
          Copy the key
        </button>
        <button type="button" onClick={onDone}>
          I have it
        </button>
      </p>
    </section>
  );
}

function Row({ of, onChanged }: { readonly of: Key; readonly onChanged: () => void }) {
  const isOwn = apiKey.value?.startsWith(of.prefix) ?? false;
  return (
    <tr>
      <th scope="row">
        {of.name}
        {isOwn && " (this page's)"}
      </th>
      <td>
        <code>{of.prefix}…</code>
      </td>
      <td class="wraps">{of.scopes.join(", ")}</td>
      <td>{limitsOf(of)}</td>
      <td>
        <Moment at={of.created_at} />
      </td>
      <td>
        <Moment at={of.last_used_at} />
      </td>
      <td>
        {of.revoked_at === null ? (
          <Revoke of={of} isOwn={isOwn} onRevoked={onChanged} />
        ) : (
          <>
            revoked <Moment at={of.revoked_at} />
          </>
        )}
      </td>
    </tr>
  );
}

function limitsOf({ requests_per_minute, spend_cap }: Key): string {
  const limits = [
    ...(requests_per_minute === null ? [] : [`${requests_per_minute} requests a minute`]),
    ...(spend_cap === null ? [] : [`${spend_cap.amount} a ${spend_cap.period}`]),
  ];
  return limits.join(", ") || "none";
}

/** Asks once more, as it can't be taken back. */
function Revoke({
  of,
  isOwn,
  onRevoked,
}: {
  readonly of: Key;
  readonly isOwn: boolean;
  readonly onRevoked: () => void;
}) {
  const isSure = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const revoke = () =>
    revokeKey(of.id).then(onRevoked, (error: unknown) => {
      problem.value = messageOf(error);
    });
  const ask = (sure: boolean) => () => {
    isSure.value = sure;
  };
  if (!isSure.value)
    return (
      <button type="button" onClick={ask(true)} aria-label={`Revoke ${of.name}`}>
        Revoke
      </button>
    );
  return (
    <>
      <p class="help" role="status">
        {isOwn ? "This page would need another key." : "From then on it is refused."}
      </p>
      <Problem sentence={problem.value} />
      <p class="actions">
        <button type="button" class="danger" onClick={revoke} aria-label={`Really revoke ${of.name}`}>
          Really revoke
        </button>
        <button type="button" onClick={ask(false)} aria-label={`Keep ${of.name}`}>
          Keep
        </button>
      </p>
    </>
  );
}
