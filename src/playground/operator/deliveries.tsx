import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import { Field, Problem } from "../parts/field.tsx";
import { hashOf } from "../route.ts";
import { type Delivery, deliveries, replay, type Webhook, webhooks } from "./calls.ts";
import { Moment, Shown, Table } from "./shown.tsx";
import { useAsked } from "./use-asked.ts";

/** How often one looks while something is still to be sent. */
const LOOK_AGAIN_MS = 2000;

/** What became of telling the account's webhooks, and telling them again. */
export function Deliveries() {
  const { answer } = useAsked("", webhooks);
  return (
    <Shown loaded={answer}>
      {({ data }) =>
        data.length === 0 ? (
          <p class="help">
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
  const { answer, again } = useAsked(chosen.value, (signal) => deliveries(chosen.value, signal));
  useEffect(() => {
    if (answer.is !== "ready" || !answer.value.data.some(({ status }) => status === "pending")) return;
    const timer = setTimeout(again, LOOK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [answer, again]);
  return (
    <>
      <div class="webhook-choice">
        <Field id="webhook" label="Webhook" problem={undefined}>
          {(control) => (
            <select
              {...control}
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
          )}
        </Field>
        <button type="button" onClick={again}>
          Look again
        </button>
      </div>
      {webhook?.enabled === false && (
        <p class="notice">It is switched off{webhook.disabled_reason && `: ${webhook.disabled_reason}`}.</p>
      )}
      <Shown loaded={answer}>
        {({ data, has_more }) =>
          data.length === 0 ? (
            <p class="help">Nothing was sent to it yet.</p>
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
              {has_more && <p class="help">These are the youngest 100; the API lists more.</p>}
            </>
          )
        }
      </Shown>
    </>
  );
}

function Row({ of, onChanged }: { readonly of: Delivery; readonly onChanged: () => void }) {
  const problem = useSignal<string | undefined>(undefined);
  const again = () =>
    replay(of.id).then(onChanged, (error: unknown) => {
      problem.value = messageOf(error);
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
        <Problem sentence={problem.value} />
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
