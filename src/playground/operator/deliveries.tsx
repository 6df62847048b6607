import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import { hashOf } from "../route.ts";
import { type Delivery, deliveries, replay, type Webhook, webhooks } from "./calls.ts";
import { useLoaded } from "./loaded.ts";
import { Moment, Shown, Table } from "./shown.tsx";

/** How often one looks while something is still to be sent. */
const LOOK_AGAIN_MS = 2000;

/** What became of telling the account's webhooks, and telling them again. */
export function Deliveries() {
  const { state } = useLoaded("", webhooks);
  return (
    <Shown loaded={state.value}>
      {({ data }) =>
        data.length === 0 ? (
          <p>
            The account has no webhook. <code>POST /v1/webhooks</code> registers one.
          </p>
        ) : (
          <OfWebhook list={data} />
        )
      }
    </Shown>
  );
}

function OfWebhook({ list }: { readonly list: readonly Webhook[] }) {
  const chosen = useSignal(list[0]?.id ?? "");
  const webhook = list.find(({ id }) => id === chosen.value);
  const { state, again } = useLoaded(chosen.value, (signal) => deliveries(chosen.value, signal));
  const shown = state.value;
  useEffect(() => {
    if (shown.is !== "ready" || !shown.value.data.some(({ status }) => status === "pending")) return;
    const timer = setTimeout(again, LOOK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [shown, again]);
  return (
    <>
      <div class="choices">
        <label class="field">
          Webhook
          <select
            value={chosen.value}
            onChange={({ currentTarget }) => {
              chosen.value = currentTarget.value;
            }}
          >
            {list.map(({ id, url }) => (
              <option key={id} value={id}>
                {url ?? "webhook_url of requests"}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={again}>
          Look again
        </button>
      </div>
      {webhook?.enabled === false && (
        <p role="status">It is switched off{webhook.disabled_reason && `: ${webhook.disabled_reason}`}.</p>
      )}
      <Shown loaded={shown}>
        {({ data, has_more }) =>
          data.length === 0 ? (
            <p>Nothing was sent to it yet.</p>
          ) : (
            <>
              <Table
                title="Deliveries"
                columns={["Event", "Video", "State", "Attempts", "Made", "Send again"]}
              >
                {data.map((delivery) => (
                  <Row key={delivery.id} of={delivery} onChanged={again} />
                ))}
              </Table>
              {has_more && <p>These are the youngest 100; the API lists more.</p>}
            </>
          )
        }
      </Shown>
    </>
  );
}

function Row({ of, onChanged }: { readonly of: Delivery; readonly onChanged: () => void }) {
  const sentence = useSignal("");
  const again = () =>
    replay(of.id).then(onChanged, (error: unknown) => {
      sentence.value = messageOf(error);
    });
  return (
    <tr>
      <th scope="row">{of.type}</th>
      <td>
        <a href={hashOf({ name: "video", id: of.video })}>{of.video}</a>
      </td>
      <td>
        {of.status}
        {of.next_attempt_at !== null && (
          <>
            , next <Moment at={of.next_attempt_at} />
          </>
        )}
      </td>
      <td>
        <Attempts of={of} />
      </td>
      <td>
        <Moment at={of.created_at} />
      </td>
      <td>
        <button type="button" onClick={again} aria-label={`Send again ${of.type} of ${of.video}`}>
          Send again
        </button>
        {sentence.value && <p role="alert">{sentence.value}</p>}
      </td>
    </tr>
  );
}

function Attempts({ of: { attempts } }: { readonly of: Delivery }) {
  if (attempts.length === 0) return <>none yet</>;
  return (
    <details>
      <summary>{attempts.length === 1 ? "1 attempt" : `${attempts.length} attempts`}</summary>
      <ol>
        {attempts.map(({ number, at, duration_ms, status, error }) => (
          <li key={number}>
            <Moment at={at} />: {status ?? "no answer"} after {duration_ms} ms{error && ` (${error})`}
          </li>
        ))}
      </ol>
    </details>
  );
}
